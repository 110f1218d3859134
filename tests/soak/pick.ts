/** Returns one of several things, by chance. */
export function pick<T>(from: readonly T[], chance: () => number): T {
  const one = from[Math.floor(chance() * from.length)]
  if (one === undefined) throw new Error('There is nothing to pick from.')
  return one
}
