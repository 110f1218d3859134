import {
  minBufferedBytes,
  type ResponseHead,
  type ResponseWriter,
} from '../connection/response-writer.ts'

/** Writes the body of a web-standard `Response`. */
export class FetchResponseWriter implements ResponseWriter {
  /** Resolves once the response has started. */
  readonly response: Promise<Response>
  readonly #signal: AbortSignal
  #resolve: (response: Response) => void = ignore
  #onClosed = ignore
  /** The response body; `undefined` before the start and after the end. */
  #body: ReadableStreamDefaultController<Uint8Array> | undefined

  constructor({ signal }: Request) {
    this.#signal = signal
    this.response = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  onceClosed(callback: () => void): void {
    // When a client leaves, some runtimes abort the request, others cancel the body.
    this.#onClosed = callback
    this.#signal.addEventListener('abort', callback, { once: true })
    if (this.#signal.aborted) callback()
  }

  start({ status, headers }: ResponseHead, onDrain: () => void): void {
    const body = this.#createBody(onDrain)
    this.#signal.addEventListener('abort', () => this.end(), { once: true })
    this.#resolve(new Response(body, { status, headers: [...headers] }))
  }

  write(chunks: readonly Uint8Array[]): void {
    this.#body?.enqueue(joined(chunks))
  }

  bufferedBytes(): number {
    return minBufferedBytes - (this.#body?.desiredSize ?? minBufferedBytes)
  }

  end(): void {
    this.#body?.close()
    this.#body = undefined
  }

  abort(): void {
    this.#body?.error(new Error('The client read too slowly.'))
    this.#body = undefined
  }

  #createBody(onDrain: () => void): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (body) => {
          this.#body = body
        },
        pull: onDrain,
        cancel: () => {
          this.#body = undefined
          this.#onClosed()
        },
      },
      // The runtime calls `pull` whenever fewer bytes than this are buffered.
      new ByteLengthQueuingStrategy({ highWaterMark: minBufferedBytes }),
    )
  }
}

function ignore(): void {}

/**
 * Copies the chunks into one buffer. The body's reader may take ownership of its buffer, while
 * frames are shared by many connections.
 */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}
