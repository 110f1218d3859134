/** Who follows a window, and is woken when it has grown. */
export interface Readers {
  readonly size: number
  /** Calls `wake` after each change, until it is detached. */
  attach(wake: () => void): void
  detach(wake: () => void): void
  /** Tells that the window now ends at `end`. */
  changed(end: number): void
  wakeAll(): void
}

/**
 * Creates the readers of a window that holds `capacity` entries. The changes of one tick are told in one go, unless
 * they would push each other out of the window before anybody has seen them.
 */
export function createReaders(capacity: number): Readers {
  const wakes = new Set<() => void>()
  let scheduled = false
  let end = 0
  let toldTo = 0

  function wakeAll(): void {
    toldTo = end
    for (const wake of wakes) wake()
  }

  function tellLater(): void {
    scheduled = false
    wakeAll()
  }

  return {
    wakeAll,
    get size() {
      return wakes.size
    },
    attach: (wake) => void wakes.add(wake),
    detach: (wake) => void wakes.delete(wake),
    changed(newEnd) {
      end = newEnd
      if (end - toldTo >= capacity / 2) wakeAll()
      if (scheduled) return
      scheduled = true
      queueMicrotask(tellLater)
    },
  }
}
