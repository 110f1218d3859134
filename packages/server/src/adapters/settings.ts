/**
 * What tells apps apart: all options but the request itself, and what each request brings along. Functions may be new ones with
 * each request: they are compared by their text. An app without a `trustProxy` must not get one with another app's.
 */
export function settingsOf(options: object): Readonly<Record<string, unknown>> {
  const { router, req, res, path, endpoint, ...others }: Record<string, unknown> = { ...options }
  const { createContext, onError, responseMeta, connectionKey, middleware, ...settings } = others
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, typeof value === 'function' ? `${value}` : value]),
  )
}

/** Compares settings by value: `limits: { connections: 10 }` is written anew in each request. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (!isLiteral(one) || !isLiteral(other)) return false
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...keys].every((key) => isSame(one[key], other[key]))
}

function isLiteral(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}
