import type { EventId } from '@trpc-sse/protocol'
import type { ReadGroup } from '../hub/reads.ts'
import { captureContext } from '../user-code/async-context.ts'
import type { LoadSnapshot } from './live.ts'

/** The parts of a {@link SnapshotLoad}. */
export interface SnapshotLoadOptions {
  readonly load: LoadSnapshot<unknown>
  /** The group whose turn the load waits for. */
  readonly group: Pick<ReadGroup, 'turn'>
  /** Called when the load has succeeded or failed. */
  wake(): void
}

/** One load of a snapshot. It starts immediately, or when it is the group's turn. */
export class SnapshotLoad {
  /** The log's last id before the load started. */
  readonly lastEventId: EventId
  readonly #wake: () => void
  readonly #controller = new AbortController()
  // Listeners of the signal are user code, so they run in the async context of the load.
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

  /** A function that returns the loaded value or throws the error; `undefined` while loading. */
  get outcome(): (() => unknown) | undefined {
    return this.#outcome
  }

  cancel(): void {
    this.#context.runInAsyncScope(() => this.#controller.abort())
  }

  // Async, so that an error that the loader throws becomes a rejection.
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
