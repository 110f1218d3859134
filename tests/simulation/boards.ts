import type { Instance } from './instance.ts'
import type { Trace } from './trace.ts'

/** One change of a board's entry. */
export interface Change {
  readonly board: string
  readonly key: string
  /** The value, each of which is set once; `undefined` for a deletion. */
  readonly n: number | undefined
  readonly startedAtMs: number
  /** When it was stored at the latest; `Infinity` if nobody knows. */
  endedAtMs: number
}

/** Changes boards, and knows what became of it. */
export class Boards {
  readonly changes: Change[] = []
  readonly #trace: Trace
  #n = 0

  constructor(trace: Trace) {
    this.#trace = trace
  }

  /** Sets or deletes entries, all in one step. */
  change(board: string, keys: readonly string[], isDeletion: boolean, instance: Instance): void {
    const { process, channels } = instance
    const startedAtMs = this.#trace.nowMs
    const changes = keys.map((key): Change => {
      const n = isDeletion ? undefined : ++this.#n
      return { board, key, n, startedAtMs, endedAtMs: Infinity }
    })
    this.changes.push(...changes)
    process.arrive(0, () => {
      const handle = channels.board({ name: board })
      const [first] = keys
      const work = isDeletion
        ? handle.delete(first ?? '')
        : handle.setMany(changes.map(({ key, n = 0 }) => [key, { n }] as const))
      work.then(
        () => {
          if (process.hasCrashed) return
          for (const change of changes) change.endedAtMs = this.#trace.nowMs
          this.#trace.add(process.name, `${board} ${changes.map(describe).join(', ')}`)
        },
        () => {},
      )
    })
  }
}

function describe({ key, n }: Change): string {
  return n === undefined ? `deleted ${key}` : `set ${key} to ${n}`
}
