import { seededRandom } from '../support/seeded-random.ts'

/** Seeded choices for one purpose. */
export interface Chance {
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number
  /** Whether something happens that has this probability. */
  is(probability: number): boolean
  /** One of several. */
  one<TItem>(items: readonly TItem[]): TItem
  /** A wait in milliseconds: most are short, a few are long. */
  delayMs(typicalMs: number): number
}

/**
 * Creates the choices for a purpose. Each purpose has its own: what happens to one client must not
 * change what happens to another, or else a smaller plan would be a different run.
 */
export function chanceFor(seed: number, purpose: string): Chance {
  const random = seededRandom(hash(`${seed} ${purpose}`))
  const below = (limit: number): number => Math.floor(random() * limit)
  return {
    random,
    below,
    between: (from, to) => from + below(to - from + 1),
    is: (probability) => random() < probability,
    one(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('There is nothing to choose from.')
      return item
    },
    delayMs: (typicalMs) =>
      Math.round(typicalMs * (random() < 0.95 ? random() * 2 : random() * 20)),
  }
}

/** FNV-1a, 32 bits. */
export function hash(text: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193)
  return state >>> 0
}
