/**
 * The callbacks of readers that follow a window. They are called once for all changes of one tick.
 * If a tick adds too many entries, they are called earlier, before entries leave the window unread.
 */
export class Wakeups {
  readonly #capacity: number
  readonly #callbacks = new Set<() => void>()
  readonly #wakeLater = (): void => {
    this.#isScheduled = false
    this.wakeAll()
  }
  #isScheduled = false
  #end = 0
  /** The end of the window at the time when the readers were last called. */
  #notifiedEnd = 0

  /** `capacity` is the number of entries that fit into the window. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#callbacks.size
  }

  add(wake: () => void): void {
    this.#callbacks.add(wake)
  }

  delete(wake: () => void): void {
    this.#callbacks.delete(wake)
  }

  /** Calls the readers during this tick or at its end. The window now ends at `end`. */
  schedule(end: number): void {
    this.#end = end
    if (end - this.#notifiedEnd >= this.#capacity / 2) this.wakeAll()
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(this.#wakeLater)
  }

  wakeAll(): void {
    this.#notifiedEnd = this.#end
    for (const wake of this.#callbacks) wake()
  }
}
