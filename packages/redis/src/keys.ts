/** The names that belong to one log. All keys of a log have one hash tag: in a Cluster they are on one node. */
export interface LogKeys {
  /** A stream: the events that are retained. */
  readonly log: string
  /** A string: the id of the newest event. It outlives the stream. */
  readonly last: string
  /** The pub/sub channel on which the log's events are told. */
  readonly live: string
  /** A string: what was stored under an idempotency key. */
  idempotency(key: string): string
}

/** Names the keys of a log. `db` is part of the pub/sub channel, as Redis has only one namespace for those. */
export function logKeys(prefix: string, db: number, key: string): LogKeys {
  // Never an empty hash tag: Redis would hash the whole key instead, and spread the log over the Cluster.
  const base = `${prefix}:{${key === '' ? '%' : escapeText(key)}}`
  return {
    log: `${base}:log`,
    last: `${base}:last`,
    live: `${base}:live:${db}`,
    idempotency: (idempotencyKey) => `${base}:key:${escapeText(idempotencyKey)}`,
  }
}

/** Escapes a text, reversibly, to letters, digits and `-_.!~*'()%`: no brace and no colon is left. */
function escapeText(text: string): string {
  // encodeURIComponent throws at half a surrogate pair. `%u` comes from nothing else: it writes % as %25.
  return text
    .split(/(\p{Surrogate})/u)
    .map((part, i) =>
      i % 2 === 0 ? encodeURIComponent(part) : `%u${part.charCodeAt(0).toString(16)}`,
    )
    .join('')
}
