/** The limits of a link, in total and for each client. */
export interface ConnectionLimits {
  /**
   * Whether the limits of a key apply to each process (`'process'`), or to all processes that share
   * the backend of the link's channels (`'fleet'`). With `'fleet'`, a stream that opens at a limit
   * waits up to two seconds for one that is closing. While the backend is away, the limits apply to
   * each process.
   *
   * @default 'process'
   */
  readonly scope: 'process' | 'fleet'
  /**
   * The maximum number of connections. The same number of requests may be pending in addition:
   * requests whose stream isn't open yet, and changes of streams.
   *
   * @default 10_000
   */
  readonly connections: number
  /**
   * The maximum number of connections with the same `connectionKey`, such as those of one user.
   *
   * @default 500
   */
  readonly connectionsPerKey: number
  /**
   * The maximum number of subscriptions on all connections with the same `connectionKey`. A
   * subscription beyond the limit ends with TOO_MANY_REQUESTS, and clients retry it later.
   *
   * @default 10_000
   */
  readonly subscriptionsPerKey: number
  /**
   * The maximum number of connections that may be opened with the same `connectionKey` in any
   * minute. Reconnects count.
   *
   * @default 3_000
   */
  readonly connectsPerKeyAndMinute: number
  /**
   * The maximum number of connections from one address, for connections without a `connectionKey`.
   * It also applies to requests whose owner isn't known yet. Many people may share an address, such
   * as everyone in an office. An IPv6 client counts by its network (/64).
   *
   * @default 5_000, or `connectionsPerKey` if that is given
   */
  readonly connectionsPerAddress: number
  /**
   * The maximum number of subscriptions on one connection.
   *
   * @default 1_000
   */
  readonly subscriptionsPerConnection: number
  /**
   * The average number of subscriptions that changes of one stream may start per second. More than
   * 0. A change that starts none counts as one. Bursts of up to five times
   * `subscriptionsPerConnection` are allowed. Beyond that, the client must wait.
   *
   * @default 100
   */
  readonly changesPerSecond: number
  /**
   * The maximum number of channels that the subscriptions of one connection may read. Each value of
   * the params counts, and so does each subscription to the same channel. A subscription beyond the
   * limit ends with SERVICE_UNAVAILABLE, and clients retry it later.
   *
   * @default 1_000
   */
  readonly channelsPerConnection: number
  /**
   * The maximum number of connections that wait to be opened. A few are opened in each turn of the
   * event loop, so that connected clients still get their events in time when many others arrive.
   *
   * @default 5_000
   */
  readonly waiting: number
  /**
   * The maximum size of all pending request bodies in memory, in bytes. A body counts until its
   * stream is open or its request is answered. One address may use at most a quarter.
   *
   * @default 33_554_432
   */
  readonly bodyBytes: number
  /**
   * The maximum time for a request's body to arrive, in milliseconds.
   *
   * @default 10_000
   */
  readonly bodyMs: number
}

/** Fills in the defaults of a link's limits. */
export function limitsOf(given: Partial<ConnectionLimits> = {}): ConnectionLimits {
  return {
    scope: given.scope ?? 'process',
    connections: given.connections ?? 10_000,
    connectionsPerKey: given.connectionsPerKey ?? 500,
    subscriptionsPerKey: given.subscriptionsPerKey ?? 10_000,
    connectsPerKeyAndMinute: given.connectsPerKeyAndMinute ?? 3_000,
    connectionsPerAddress: given.connectionsPerAddress ?? given.connectionsPerKey ?? 5_000,
    subscriptionsPerConnection: given.subscriptionsPerConnection ?? 1_000,
    channelsPerConnection: given.channelsPerConnection ?? 1_000,
    changesPerSecond: given.changesPerSecond ?? 100,
    waiting: given.waiting ?? 5_000,
    bodyBytes: given.bodyBytes ?? 33_554_432,
    bodyMs: given.bodyMs ?? 10_000,
  }
}
