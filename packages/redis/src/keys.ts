/**
 * The names of the keys of one log. All have the same hash tag, so a Cluster keeps them on one
 * node.
 */
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
   * A sorted set with the expiry times of entries. The member `''` holds the time at which the
   * whole log is forgotten.
   */
  readonly leases: string
  /** A hash with the payload that each entry stores as an event when it expires. */
  readonly expiries: string
  /** A string with the ids of the events that a change stored. */
  change(token: string): string
  /** A string with the ids of the events that were stored under an idempotency key. */
  idempotency(key: string): string
}

/**
 * Returns the names of a log's keys. The pub/sub channel includes `db`, because all databases of a
 * Redis share one namespace of channels.
 */
export function logKeys(prefix: string, db: number, key: string): LogKeys {
  // With an empty hash tag, Redis would hash the whole key, and the keys would end up on several
  // nodes.
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

/**
 * Escapes a text reversibly, to letters, digits and `-_.!~*'()%`. The result has no braces or
 * colons.
 */
function escapeText(text: string): string {
  // encodeURIComponent throws for a lone surrogate. It writes % as %25, so `%u` is unambiguous.
  return text
    .split(/(\p{Surrogate})/u)
    .map((part, i) =>
      i % 2 === 0 ? encodeURIComponent(part) : `%u${part.charCodeAt(0).toString(16)}`,
    )
    .join('')
}

/**
 * Returns the key of the log to which a name of {@link logKeys} belongs; `undefined` if it has
 * another prefix, or no log can have it.
 */
export function logKeyOf(prefix: string, name: string): string | undefined {
  const start = `${prefix}:{`
  const end = name.indexOf('}:', start.length)
  if (!name.startsWith(start) || end < 0) return undefined
  const escaped = name.slice(start.length, end)
  const key = escaped === '%' ? '' : unescapeText(escaped)
  // Whatever isn't exactly what `logKeys` writes was written by another program.
  const isOurs = key !== undefined && logKeys(prefix, 0, key).log === `${start}${escaped}}:log`
  return isOurs ? key : undefined
}

function unescapeText(text: string): string | undefined {
  try {
    return text
      .split(/%u([0-9a-f]{4})/)
      .map((part, i) =>
        i % 2 === 0 ? decodeURIComponent(part) : String.fromCharCode(Number.parseInt(part, 16)),
      )
      .join('')
  } catch {
    return undefined
  }
}
