import type { Backend, LogListener, StoredEvent } from '@trpc-sse/server'

/** A backend that wraps a real one, and loses, repeats and delays notifications. */
export interface Chaos {
  readonly backend: Backend
  /** How likely faults are, from 0 to 1. */
  setFaults(share: number): void
  /** Notifies of an event now, later, twice, or never. */
  notify(event: StoredEvent): void
  /** Delivers a delayed notification, in no particular order. */
  arrive(): void
  interrupt(): void
  /** Ends the faults, and delivers all delayed notifications. */
  settle(): void
}

/** Creates a backend that has no faults yet. */
export function createChaos(random: () => number, inner: () => Backend): Chaos {
  const listeners = new Set<LogListener>()
  const hints: StoredEvent[] = []
  const answers: Array<() => void> = []
  let faults = 0

  const perhapsFail = (): void => {
    if (random() < faults / 2) throw new Error('chaos: no answer')
  }
  const late = async <T>(result: Promise<T>): Promise<T> => {
    perhapsFail()
    if (random() < faults) await new Promise<void>((resolve) => answers.push(resolve))
    return await result
  }
  const hint = (event: StoredEvent): void => {
    for (const listener of listeners) listener.onEvent(event)
  }

  const backend: Backend = {
    append: (log, payloads) => inner().append(log, payloads),
    clear: (log) => inner().clear(log),
    read: (log, range) => late(inner().read(log, range)),
    async listen(_log, listener) {
      perhapsFail()
      listeners.add(listener)
      return async () => void listeners.delete(listener)
    },
    close: async () => {},
  }
  return {
    backend,
    setFaults(share: number) {
      faults = share
    },
    notify(event: StoredEvent) {
      if (random() < faults / 2) return
      if (random() < faults) hints.push(event)
      else hint(event)
      if (random() < faults / 2) hints.push(event)
    },
    arrive() {
      const from = random() < 0.5 ? hints : answers
      const [one] = from.splice(Math.floor(random() * from.length), 1)
      if (typeof one === 'function') one()
      else if (one) hint(one)
    },
    interrupt() {
      for (const listener of listeners) listener.onInterrupted()
    },
    settle() {
      faults = 0
      while (answers.length + hints.length > 0) this.arrive()
    },
  }
}
