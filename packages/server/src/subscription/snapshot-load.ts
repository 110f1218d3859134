import type { EventId } from '@trpc-sse/protocol'
import type { ReadGroup } from '../hub/reads.ts'
import { captureContext } from '../user-code/async-context.ts'
import type { LoadSnapshot } from './live.ts'

/** What a snapshot is loaded with. */
export interface SnapshotLoadOptions {
  readonly load: LoadSnapshot<unknown>
  /** The group whose turns it waits for. */
  readonly group: Pick<ReadGroup, 'turn'>
  /** Called when the load has succeeded or failed. */
  wake(): void
}

/** One load of a snapshot. It starts at once, or when it is its turn. */
export class SnapshotLoad {
  /** The log's last id before the load. */
  readonly lastEventId: EventId
  readonly #wake: () => void
  readonly #controller = new AbortController()
  // Listeners of the signal are user code, so they run in the context of the load.
  readonly #context = captureContext()
  #outcome: (() => unknown) | undefined

  constructor({ load, group, wake }: SnapshotLoadOptions, lastEventId: EventId) {
    this.lastEventId = lastEventId
    this.#wake = wake
    this.#run(load, group).then(
      (value) => this.#settle(() => value),
      (error: unknown) =>
        this.#settle(() => {
          throw error
        }),
    )
  }

  /** Returns what was loaded, or throws the error of the load; `undefined` while it is loading. */
  get outcome(): (() => unknown) | undefined {
    return this.#outcome
  }

  cancel(): void {
    this.#context.runInAsyncScope(() => this.#controller.abort())
  }

  // Async, so that an error that a loader throws is a rejection.
  async #run(load: LoadSnapshot<unknown>, group: Pick<ReadGroup, 'turn'>): Promise<unknown> {
    const { signal } = this.#controller
    const turn = group.turn(signal)
    if (turn) await turn
    return signal.aborted ? undefined : load({ signal, lastEventId: this.lastEventId })
  }

  #settle(outcome: () => unknown): void {
    if (this.#controller.signal.aborted) return
    this.#outcome = outcome
    this.#wake()
  }
}
