import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerEvent } from './peer.ts'

/** Publishes numbers one after another, and repeats each until an instance confirms it. */
export class Publisher {
  /** The last number that was published. */
  n = 0
  readonly name: string
  readonly #url: string

  constructor(url: string, name: string) {
    this.#url = `${url}/publish`
    this.name = name
  }

  /** Publishes until the signal aborts, with pauses of up to `pauseMs`. */
  async run(signal: AbortSignal, chance: () => number, pauseMs: number): Promise<void> {
    while (!signal.aborted) {
      await this.publishNext()
      await sleep(chance() * pauseMs)
    }
  }

  /** Publishes the next number: tries again until it is published, or the signal aborts. */
  async publishNext(until?: AbortSignal): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      until?.throwIfAborted()
      const event: PeerEvent = { publisher: this.name, n: this.n + 1, attempt }
      const body = JSON.stringify(event)
      try {
        const signal = AbortSignal.timeout(6_000)
        const response = await fetch(this.#url, { method: 'POST', body, signal })
        await response.arrayBuffer()
        if (response.ok) break
      } catch {}
      await sleep(100)
    }
    this.n += 1
  }
}
