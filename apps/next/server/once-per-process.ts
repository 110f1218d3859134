const kept = globalThis as { [name: symbol]: unknown }

/**
 * Makes something once in a process. Next bundles pages and route handlers apart and, in development, loads both anew with
 * each change: what a module holds exists several times, and what they share must live outside of them.
 */
export function oncePerProcess<TThing>(name: string, make: () => TThing): TThing {
  const key = Symbol.for(`trpc-sse-next/${name}`)
  kept[key] ??= make()
  return kept[key] as TThing
}
