import { type Clock, isPlainObject } from '@trpc-sse/protocol'

/** The number of streams that an instance has ended for an order. */
export interface Answer {
  readonly order: string
  /** The instance. */
  readonly from: string
  readonly count: number
}

/** The time after the last answer to an order in which another one may come, in milliseconds. */
const quietMs = 250
/** The longest wait for answers to an order, in milliseconds. */
const answersMs = 900

/**
 * Collects the answers to an order. How many instances there are is unknown. So it waits for those
 * that answered the last order, and then a quarter of a second for others.
 */
export class Answers {
  readonly #clock: Clock
  readonly #order: string
  /** The instances that will answer if they can; `undefined` if none is known. */
  readonly #expected: ReadonlySet<string> | undefined
  readonly #from = new Set<string>()
  #count = 0
  #onAnswer = (): void => {}

  constructor(clock: Clock, order: string, expected: ReadonlySet<string> | undefined) {
    this.#clock = clock
    this.#order = order
    this.#expected = expected
  }

  /** Takes a text that may be an answer. */
  receive(text: string): void {
    const answer = tryTo(() => JSON.parse(text) as unknown)
    if (!isAnswer(answer) || answer.order !== this.#order) return
    this.#from.add(answer.from)
    this.#count += answer.count
    this.#onAnswer()
  }

  /** Resolves when no more answers are to be expected. */
  async all(): Promise<{ readonly count: number; readonly from: ReadonlySet<string> }> {
    await new Promise<void>((resolve) => {
      const stopLast = this.#clock.after(answersMs, () => settle())
      let stopQuiet = (): void => {}
      const settle = (): void => {
        stopLast()
        stopQuiet()
        resolve()
      }
      this.#onAnswer = () => {
        stopQuiet()
        if (this.#hasAllExpected()) stopQuiet = this.#clock.after(quietMs, settle)
      }
      this.#onAnswer()
    })
    return { count: this.#count, from: this.#from }
  }

  #hasAllExpected(): boolean {
    const expected = this.#expected
    return expected !== undefined && [...expected].every((one) => this.#from.has(one))
  }
}

/** Reads what another program may have written. Returns `undefined` if it can't be read. */
export function tryTo(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined
  }
}

function isAnswer(value: unknown): value is Answer {
  if (!isPlainObject(value)) return false
  const { order, from, count } = value
  return typeof order === 'string' && typeof from === 'string' && typeof count === 'number'
}
