/**
 * Writes a subscription's key as text. Equal keys give equal text, whatever the order of their
 * properties. Different values that transformers can carry (sets, maps, dates, big integers…) give
 * different text.
 */
export function subscriptionKey(key: unknown): string {
  return write(key, [])
}

function write(value: unknown, parents: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'bigint':
      return `${value}n`
    case 'object':
      if (value === null) return 'null'
      return parents.includes(value)
        ? `^${parents.indexOf(value)}`
        : writeObject(value, [...parents, value])
    default:
      return Object.is(value, -0) ? '-0' : String(value)
  }
}

function writeObject(value: object, parents: readonly object[]): string {
  const each = (items: Iterable<unknown>): string[] =>
    Array.from(items, (item) => write(item, parents))
  if (Array.isArray(value)) return `[${each(value)}]`
  if (value instanceof Set) return `Set(${each(value).sort()})`
  if (value instanceof Map) return `Map(${each(value).sort()})`
  if (value instanceof RegExp || value instanceof Error)
    return `${nameOf(value)}(${write(String(value), parents)})`
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${each(new Uint8Array(value))})`
  if ('toJSON' in value && typeof value.toJSON === 'function')
    return `${nameOf(value)}(${write(value.toJSON(), parents)})`
  if (value instanceof DataView)
    return `DataView(${each(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))})`
  const inner: unknown = typeof value.valueOf === 'function' ? value.valueOf() : value
  if (typeof inner !== 'object') return `${nameOf(value)}(${write(inner, parents)})`
  // Search parameters and headers have no own properties, but can be iterated.
  const shown = isRepeatable(value) ? Array.from(value) : value
  const properties = Object.entries(shown).filter(([, property]) => property !== undefined)
  const written = properties.map(
    ([name, property]) => `${JSON.stringify(name)}:${write(property, parents)}`,
  )
  return `${nameOf(value)}{${written.sort()}}`
}

/** Whether a value can be iterated more than once. */
function isRepeatable(value: object): value is Iterable<unknown> {
  if (!(Symbol.iterator in value) || typeof value[Symbol.iterator] !== 'function') return false
  return !('next' in value)
}

/** Returns the name of a value's class; empty for a plain object. */
function nameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return ''
  return String(Object(value.constructor).name)
}
