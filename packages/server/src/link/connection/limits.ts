/** How much a link serves at a time, and how much one client may use. */
export interface ConnectionLimits {
  /**
   * Connections in all. As many requests may be under way beside them: requests whose stream isn't
   * open yet, and changes of streams.
   *
   * @default 10_000
   */
  readonly connections: number
  /**
   * Connections with the same `connectionKey`: of one user.
   *
   * @default 500
   */
  readonly connectionsPerKey: number
  /**
   * Connections from one address, where there is no `connectionKey`, and requests from one address
   * whose owner isn't known yet. Many people may share an address: all of an office, for example.
   * The address of an IPv6 client is its network (/64).
   *
   * @default 5_000, or `connectionsPerKey` if that is given
   */
  readonly connectionsPerAddress: number
  /**
   * Subscriptions on one connection.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection: number
  /**
   * Subscriptions that changes of one stream may start per second, in the long run. More than 0. A
   * change that starts none counts as one. Five times `subscriptionsPerConnection` may start at
   * once. Beyond it, the client is told to wait.
   *
   * @default 100
   */
  readonly changesPerSecond: number
  /**
   * Channels, each with its params, that the subscriptions of one connection read at a time. A
   * channel that several subscriptions read counts for each. A subscription to more ends with
   * SERVICE_UNAVAILABLE, which clients retry later.
   *
   * @default 1_000
   */
  readonly channelsPerConnection: number
  /**
   * Connections that wait to be opened when many arrive at once. A few are opened in each turn of
   * the event loop, so that clients which are connected still get their events in time.
   *
   * @default 5_000
   */
  readonly waiting: number
  /**
   * Bytes of request bodies in memory, in all, until their streams are open or they are answered.
   * One address may have at most a quarter of them.
   *
   * @default 33_554_432
   */
  readonly bodyBytes: number
  /**
   * How long a request's body may take to arrive, in milliseconds.
   *
   * @default 10_000
   */
  readonly bodyMs: number
}

/** Fills in the defaults of a link's limits. */
export function limitsOf(given: Partial<ConnectionLimits> = {}): ConnectionLimits {
  return {
    connections: given.connections ?? 10_000,
    connectionsPerKey: given.connectionsPerKey ?? 500,
    connectionsPerAddress: given.connectionsPerAddress ?? given.connectionsPerKey ?? 5_000,
    subscriptionsPerConnection: given.subscriptionsPerConnection ?? 1_000,
    channelsPerConnection: given.channelsPerConnection ?? 1_000,
    changesPerSecond: given.changesPerSecond ?? 100,
    waiting: given.waiting ?? 5_000,
    bodyBytes: given.bodyBytes ?? 33_554_432,
    bodyMs: given.bodyMs ?? 10_000,
  }
}
