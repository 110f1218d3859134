import type { Clock } from '@trpc-sse/protocol'
import type { ResponseHead, ResponseWriter } from './response-writer.ts'

/** How long the buffer is full, in milliseconds. */
const fullMs = 10

/** For simulators: a writer whose buffer is full after some writes, until it drains. */
export class RareWriter implements ResponseWriter {
  readonly #writer: ResponseWriter
  readonly #clock: Clock
  #onDrain = (): void => {}
  #isFull = false

  constructor(writer: ResponseWriter, clock: Clock) {
    this.#writer = writer
    this.#clock = clock
  }

  onceClosed(callback: () => void): void {
    this.#writer.onceClosed(callback)
  }

  start(head: ResponseHead, onDrain: () => void): void {
    this.#onDrain = onDrain
    this.#writer.start(head, onDrain)
  }

  write(chunks: readonly Uint8Array[]): void {
    this.#writer.write(chunks)
    if (this.#isFull || !this.#clock.rare?.('full buffer')) return
    this.#isFull = true
    this.#clock.after(fullMs, () => {
      this.#isFull = false
      this.#onDrain()
    })
  }

  bufferedBytes(): number {
    return this.#isFull ? Infinity : this.#writer.bufferedBytes()
  }

  end(): void {
    this.#writer.end()
  }

  abort(): void {
    this.#writer.abort()
  }
}
