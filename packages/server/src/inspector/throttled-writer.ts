import type { Clock } from '@trpc-sse/protocol'
import type { ResponseHead, ResponseWriter } from '../link/connection/response-writer.ts'

/** How fast a throttled stream is written, and for how long. */
export interface Throttle {
  /** The number of bytes that are written in each quarter of a second. */
  readonly bytesPerTick: number
  /** The time after which the throttle ends, in milliseconds. */
  readonly forMs: number
}

const tickMs = 250

/**
 * Writes to a client as slowly as if the client read slowly. What waits counts as buffered, so the
 * stream meets the same limits as with a slow client, and holds no more memory.
 */
export class ThrottledWriter implements ResponseWriter {
  readonly #writer: ResponseWriter
  readonly #onDrain: () => void
  readonly #clock: Clock
  readonly #throttle: Throttle
  #waiting: Uint8Array[] = []
  #bytes = 0
  #leftMs: number
  #cancelTick: () => void

  constructor(writer: ResponseWriter, onDrain: () => void, clock: Clock, throttle: Throttle) {
    this.#writer = writer
    this.#onDrain = onDrain
    this.#clock = clock
    this.#throttle = throttle
    this.#leftMs = throttle.forMs
    this.#cancelTick = this.#schedule()
  }

  /** Called when the throttle has ended. */
  onEnd: () => void = () => {}

  onceClosed(callback: () => void): void {
    this.#writer.onceClosed(callback)
  }

  start(head: ResponseHead, onDrain: () => void): void {
    this.#writer.start(head, onDrain)
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#waiting.push(chunk)
      this.#bytes += chunk.length
    }
  }

  bufferedBytes(): number {
    return this.#bytes + this.#writer.bufferedBytes()
  }

  end(): void {
    this.#stop()
    this.#writer.end()
  }

  abort(): void {
    this.#waiting = []
    this.#stop()
    this.#writer.abort()
  }

  /** Ends the throttle: writes what waits. */
  release(): void {
    this.#stop()
    this.#onDrain()
  }

  /** Drops what waits: the client is gone. */
  drop(): void {
    this.#waiting = []
    this.#stop()
  }

  #stop(): void {
    this.#cancelTick()
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.onEnd()
    if (waiting.length > 0) this.#writer.write(waiting)
  }

  #schedule(): () => void {
    return this.#clock.after(tickMs, () => this.#tick())
  }

  #tick(): void {
    this.#leftMs -= tickMs
    if (this.#leftMs <= 0) {
      this.release()
      return
    }
    this.#cancelTick = this.#schedule()
    if (this.#throttle.bytesPerTick === 0 || this.#bytes === 0) return
    this.#writer.write([this.#take(this.#throttle.bytesPerTick)])
    this.#onDrain()
  }

  /** Takes up to `count` bytes from the first chunk. */
  #take(count: number): Uint8Array {
    const [first = new Uint8Array()] = this.#waiting
    const part = first.subarray(0, count)
    const rest = first.subarray(count)
    if (rest.length > 0) this.#waiting[0] = rest
    else this.#waiting.shift()
    this.#bytes -= part.length
    return part
  }
}
