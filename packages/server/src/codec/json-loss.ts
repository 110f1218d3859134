/** A part of a value that JSON would omit or change. */
export interface JsonLoss {
  readonly path: ReadonlyArray<string | number>
  /** A description of the part. */
  readonly what: string
}

/** Deeper than any real event. This limit stops the search in a value that contains itself. */
const maxDepth = 1_000

/**
 * Finds the first part of a value that JSON would silently omit or change. Changes that the types
 * show don't count: a value with a `toJSON`, such as a `Date`, becomes its result, and an
 * `undefined` property is omitted.
 */
export function findJsonLoss(value: unknown, depth = 0): JsonLoss | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined
    case 'number':
      return Number.isFinite(value) ? undefined : loss(String(value))
    case 'object':
      if (value === null) return undefined
      return depth > maxDepth
        ? loss('a part that is nested without end')
        : lossInObject(value, depth)
    default:
      return loss(value === undefined ? 'undefined' : `a ${typeof value}`)
  }
}

function lossInObject(value: object, depth: number): JsonLoss | undefined {
  if (Array.isArray(value)) return lossInArray(value, depth)
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? loss('an invalid Date') : undefined
  const { toJSON }: { toJSON?: unknown } = value
  if (typeof toJSON === 'function') return lossInJsonOf(value, toJSON.call(value), depth)
  return isPlain(value) ? lossInProperties(value, depth) : loss(nameOf(value))
}

function lossInArray(values: readonly unknown[], depth: number): JsonLoss | undefined {
  for (let index = 0; index < values.length; index++) {
    const item = values[index]
    if (typeof item === 'string') continue
    const found = findJsonLoss(item, depth + 1)
    if (found) return under(index, found)
  }
  return undefined
}

function lossInProperties(
  value: Readonly<Record<string, unknown>>,
  depth: number,
): JsonLoss | undefined {
  // Every publish runs this, so it doesn't allocate a list of keys.
  for (const key in value) {
    const property: unknown = value[key]
    if (property === undefined || typeof property === 'string') continue
    const found = findJsonLoss(property, depth + 1)
    if (found && Object.hasOwn(value, key)) return under(key, found)
  }
  return undefined
}

/** JSON.stringify doesn't call `toJSON` on the result of a `toJSON`. */
function lossInJsonOf(value: object, json: unknown, depth: number): JsonLoss | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return findJsonLoss(json, depth)
  return isPlain(json) || json === value
    ? lossInProperties(json as Readonly<Record<string, unknown>>, depth)
    : loss(nameOf(json))
}

/**
 * Whether a value is a plain object. Accepts objects of other realms: test runners have several.
 */
function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function nameOf(value: object): string {
  const { name } = Object(value.constructor)
  return typeof name === 'string' && name !== ''
    ? `an instance of ${name}`
    : 'an instance of a class'
}

function loss(what: string): JsonLoss {
  return { path: [], what }
}

function under(key: string | number, { path, what }: JsonLoss): JsonLoss {
  return { path: [key, ...path], what }
}
