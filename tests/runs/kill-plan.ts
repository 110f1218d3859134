import { range } from '../support/numbers.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The seed of a test's random choices. It is part of the messages of failures. */
export const seed = Number(process.env.RUNS_SEED ?? Math.floor(Math.random() * 2 ** 32))
/** Multiplies the number of kills. */
export const factor = Number(process.env.RUNS_FACTOR ?? 1)
const random = seededRandom(seed)

/** Returns a random whole number of at least 0 and less than `count`. */
export const below = (count: number): number => Math.floor(random() * count)

/** The number of words of a run, and the time between them in milliseconds. */
export const words = 60
export const everyMs = 12
/** The number of runs at a time. */
export const atOnce = 6

let count = 0

/** Returns new ids for the runs of one round. */
export const newIds = (): string[] => range(1, atOnce).map(() => `run${count++}`)
