/**
 * Returns the settings that identify an app: all options except the request and functions. A
 * function may be created for each request, so it belongs to the request: one app must never be
 * served with another app's functions.
 */
export function settingsOf(options: object): Readonly<Record<string, unknown>> {
  const { router, req, res, path, endpoint, ...settings }: Record<string, unknown> = { ...options }
  return withoutFunctions(settings)
}

/** Returns the options that aren't functions. */
export function withoutFunctions<TOptions extends object>(options: TOptions): TOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => typeof value !== 'function'),
  ) as TOptions
}

/**
 * Whether settings have equal values. Compares deeply, as each request may create a new object such
 * as `limits: { connections: 10 }`.
 */
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
