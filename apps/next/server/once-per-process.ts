const shared = globalThis as { [name: symbol]: unknown }

/**
 * Creates a value once per process. Next bundles pages and route handlers separately and, in
 * development, reloads both on each change. So a module's variables exist several times, and shared
 * values must live outside modules.
 */
export function oncePerProcess<TValue>(name: string, create: () => TValue): TValue {
  const key = Symbol.for(`trpc-sse-next/${name}`)
  shared[key] ??= create()
  return shared[key] as TValue
}
