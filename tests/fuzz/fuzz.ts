import fc, { type Arbitrary } from 'fast-check'

/** How many properties share the time. */
const properties = 9

/**
 * How many minutes a property may take: `npm run fuzz -- --minutes N`. Without, the number of
 * inputs is fixed.
 */
const minutes = Number(process.env.FUZZ_MINUTES ?? 0) / properties

/** The first seed: a run with the same one tries the same inputs. */
const firstSeed = Number(process.env.FUZZ_SEED ?? 1)

/** How long one property takes, with something to spare. */
export const timeoutMs: number = minutes * 60_000 + 60_000

/** A property that holds for every input. */
export interface Property<TInput> {
  readonly inputs: Arbitrary<TInput>
  /** How many inputs are tried at a time, and in all where no time is given. */
  readonly count: number
  /** Throws for an input that doesn't hold. */
  check(input: TInput): void | Promise<void>
  /** Runs after each batch: what has to hold when all is quiet. */
  settle?(): Promise<void>
}

/**
 * Tries a property for as long as it is given, and says how many inputs that were. A failure shows
 * its seed and its input.
 */
export async function fuzz<TInput>(name: string, property: Property<TInput>): Promise<void> {
  const untilMs = performance.now() + minutes * 60_000
  let seed = firstSeed
  let tried = 0
  do {
    const holds = fc.asyncProperty(property.inputs, async (input) => property.check(input))
    await fc.assert(holds, { seed, numRuns: property.count })
    await property.settle?.()
    tried += property.count
    seed += 1
  } while (performance.now() < untilMs)
  console.info(`${name}: ${tried} inputs, seeds ${firstSeed} to ${seed - 1}`)
}
