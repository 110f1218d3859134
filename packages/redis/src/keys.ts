/** The names of one log. All its keys have one hash tag, so a Cluster keeps them on one node. */
export interface LogKeys {
  /** A stream with the retained events. */
  readonly log: string
  /** A string with the id of the newest event. It outlives the stream. */
  readonly last: string
  /** The pub/sub channel on which the log's events are published. */
  readonly live: string
  /** A hash with the values of the log's entries. */
  readonly entries: string
  /**
   * A sorted set with the entries that expire, by time. The member `''` says when the whole log is
   * forgotten.
   */
  readonly leases: string
  /** A hash with the payloads that are stored when entries expire. */
  readonly expiries: string
  /** A string with the ids that were stored by a change. */
  change(token: string): string
  /** A string with the ids that were stored under an idempotency key. */
  idempotency(key: string): string
}

/**
 * Names the keys of a log. `db` is part of the pub/sub channel, as Redis has only one namespace for
 * those.
 */
export function logKeys(prefix: string, db: number, key: string): LogKeys {
  // With an empty hash tag Redis would hash the whole key, and spread the log over the Cluster.
  const base = `${prefix}:{${key === '' ? '%' : escapeText(key)}}`
  return {
    log: `${base}:log`,
    last: `${base}:last`,
    live: `${base}:live:${db}`,
    entries: `${base}:entries`,
    leases: `${base}:leases`,
    expiries: `${base}:expiries`,
    change: (token) => `${base}:change:${token}`,
    idempotency: (idempotencyKey) => `${base}:key:${escapeText(idempotencyKey)}`,
  }
}

/** Escapes a text, reversibly, to letters, digits and `-_.!~*'()%`: without braces and colons. */
function escapeText(text: string): string {
  // encodeURIComponent throws at half a surrogate pair. It writes % as %25, so `%u` is unambiguous.
  return text
    .split(/(\p{Surrogate})/u)
    .map((part, i) =>
      i % 2 === 0 ? encodeURIComponent(part) : `%u${part.charCodeAt(0).toString(16)}`,
    )
    .join('')
}
