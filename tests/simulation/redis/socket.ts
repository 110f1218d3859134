import { Socket } from 'node:net'
import type { Clock } from '@trpc-sse/protocol'

/** The way from a client to the server. */
export interface SocketWire {
  /** Takes bytes that the client writes, each as one character. */
  send(bytes: string): void
  /** The client writes no more, or has closed its end. */
  close(): void
}

/** A socket without a network: what is written goes to a wire, and what arrives is given to it. */
export class InProcessSocket extends Socket {
  readonly #wire: SocketWire
  readonly #clock: Clock
  #cancelTimeout = (): void => {}

  constructor(wire: SocketWire, clock: Clock) {
    super()
    this.#wire = wire
    this.#clock = clock
    Object.assign(this, { connecting: true })
  }

  /** The connection is there. */
  open(): void {
    if (this.destroyed) return
    Object.assign(this, { connecting: false })
    this.emit('connect')
  }

  /** Bytes of the server arrive. */
  receive(bytes: string): void {
    if (!this.destroyed) this.push(Buffer.from(bytes, 'latin1'))
  }

  /** The server has closed its end. */
  endByServer(): void {
    if (!this.destroyed) this.push(null)
  }

  override _read(): void {}

  override _write(
    chunk: Buffer | string,
    encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#wire.send(toBytes(chunk, encoding))
    done()
  }

  override _writev(
    chunks: ReadonlyArray<{ readonly chunk: Buffer | string; readonly encoding: BufferEncoding }>,
    done: (error?: Error | null) => void,
  ): void {
    this.#wire.send(chunks.map(({ chunk, encoding }) => toBytes(chunk, encoding)).join(''))
    done()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wire.close()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#cancelTimeout()
    this.#wire.close()
    done(error)
    process.nextTick(() => this.emit('close', error !== null))
  }

  override setTimeout(ms: number, onTimeout?: () => void): this {
    this.#cancelTimeout()
    if (ms > 0) this.#cancelTimeout = this.#clock.after(ms, () => onTimeout?.())
    return this
  }

  override setKeepAlive(): this {
    return this
  }

  override setNoDelay(): this {
    return this
  }
}

/** Bytes, each as one character. */
function toBytes(chunk: Buffer | string, encoding: BufferEncoding): string {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
  return bytes.toString('latin1')
}
