/**
 * What tells apps apart: all options but the request itself, and functions. A function may be a new one with each request, so it is
 * the request's own: an app must never be served with another one's.
 */
export function settingsOf(options: object): Readonly<Record<string, unknown>> {
  const { router, req, res, path, endpoint, ...settings }: Record<string, unknown> = { ...options }
  return withoutFunctions(settings)
}

/** The options that are no functions. */
export function withoutFunctions<TOptions extends object>(options: TOptions): TOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => typeof value !== 'function'),
  ) as TOptions
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
