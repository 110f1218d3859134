import fc, { type Arbitrary } from 'fast-check'

/** The number of properties that share the minutes. */
const properties = 9

/**
 * The minutes that one property may take, from `npm run fuzz -- --minutes N`. Without them, the
 * number of inputs is fixed.
 */
const minutes = Number(process.env.FUZZ_MINUTES ?? 0) / properties

/** The first seed: a run with the same seed tries the same inputs. */
const firstSeed = Number(process.env.FUZZ_SEED ?? 1)

/** The share of its inputs that a property tries where its tests are run again. */
const share = Number(process.env.FUZZ_SHARE ?? 1)

/** The timeout of one property: its minutes, and one more. */
export const timeoutMs: number = minutes * 60_000 + 60_000

/** A property that holds for every input. */
export interface Property<TInput> {
  readonly inputs: Arbitrary<TInput>
  /** The number of inputs in a batch. Without minutes, there is one batch. */
  readonly count: number
  /** Throws if the property doesn't hold for an input. */
  check(input: TInput): void | Promise<void>
  /** Runs after each batch, and checks what must hold when all work is done. */
  settle?(): Promise<void>
}

/**
 * Tries a property until its minutes are over, and logs how many inputs it tried. A failure shows
 * the seed and the input.
 */
export async function fuzz<TInput>(name: string, property: Property<TInput>): Promise<void> {
  const count = Math.ceil(property.count * share)
  const untilMs = performance.now() + minutes * 60_000
  let seed = firstSeed
  let tried = 0
  do {
    const holds = fc.asyncProperty(property.inputs, async (input) => property.check(input))
    await fc.assert(holds, { seed, numRuns: count })
    await property.settle?.()
    tried += count
    seed += 1
  } while (performance.now() < untilMs)
  console.info(`${name}: ${tried} inputs, seeds ${firstSeed} to ${seed - 1}`)
}
