import type { Clock } from '@trpc-sse/protocol'

/** Cancels something that is due. Calling it twice is harmless. */
export type Cancel = () => void

const { setImmediate } = globalThis

interface Due {
  readonly atMs: number
  readonly order: number
  readonly call: () => void
  isCancelled: boolean
}

/** More calls than this in one moment start each other for ever. */
const mostStepsAtOnce = 10_000
/**
 * How many calls are queued at once. Between two of them all promises settle, as between two turns
 * of the event loop, but nobody asks the system for news.
 */
const turnsAtOnce = 64

/** The one time of a simulated world, which moves only from one due call to the next. */
export class Timeline {
  nowMs = 0
  /** The clock of the process that runs now: all that is done before the next call is its own. */
  running: Clock | undefined
  /** A binary heap, the soonest first. */
  readonly #due: Due[] = []
  #count = 0

  /** Calls back after a delay. Calls of the same moment keep the order in which they were asked. */
  after(delayMs: number, call: () => void): Cancel {
    const atMs = this.nowMs + Math.max(0, delayMs)
    const due: Due = { atMs, order: this.#count++, call, isCancelled: false }
    this.#push(due)
    return () => {
      due.isCancelled = true
    }
  }

  /** Moves on to the next due call and makes it; returns whether there was one up to `untilMs`. */
  step(untilMs: number): boolean {
    for (;;) {
      const [next] = this.#due
      if (next === undefined || next.atMs > untilMs) return false
      this.#pop()
      if (next.isCancelled) continue
      this.nowMs = next.atMs
      this.running = undefined
      next.call()
      return true
    }
  }

  /** Makes all calls up to `untilMs`, and lets everything settle that each of them starts. */
  run(untilMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let momentMs = this.nowMs
      let steps = 0
      const moveOn = (): void => {
        if (isOver) return
        if (this.step(untilMs)) {
          steps = this.nowMs === momentMs ? steps + 1 : 0
          momentMs = this.nowMs
          if (steps <= mostStepsAtOnce) return
          reject(new Error(`Time stands still at ${momentMs} ms.`))
        } else {
          this.nowMs = untilMs
          resolve()
        }
        isOver = true
      }
      let isOver = false
      const moveOnOften = (): void => {
        if (isOver) return
        for (let turn = 0; turn < turnsAtOnce; turn++) setImmediate(moveOn)
        setImmediate(moveOnOften)
      }
      moveOnOften()
    })
  }

  #push(due: Due): void {
    const heap = this.#due
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isSooner(due, heap[parent])) break
      this.#swap(at, parent)
      at = parent
    }
  }

  #pop(): void {
    const heap = this.#due
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const child = isSooner(heap[left + 1], heap[left]) ? left + 1 : left
      if (!isSooner(heap[child], heap[at])) return
      this.#swap(at, child)
      at = child
    }
  }

  #swap(one: number, other: number): void {
    const heap = this.#due
    const due = heap[one]
    const with_ = heap[other]
    if (due === undefined || with_ === undefined) return
    heap[one] = with_
    heap[other] = due
  }
}

function isSooner(one: Due | undefined, other: Due | undefined): boolean {
  if (one === undefined) return false
  if (other === undefined) return true
  return one.atMs === other.atMs ? one.order < other.order : one.atMs < other.atMs
}

/** Resolves when all promises have been followed: nothing moves any more without the timeline. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
