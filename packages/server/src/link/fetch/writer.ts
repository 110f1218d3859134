import {
  type Exchange,
  leastBufferedBytes,
  type Network,
  type Sink,
} from '../connection/response-writer.ts'

/** An exchange and the response that it gives. */
export interface FetchExchange {
  readonly exchange: Exchange
  /** Resolves once the response is started. */
  readonly response: Promise<Response>
}

/** Writes to the body of a web-standard `Response`. */
export function fetchExchange(request: Request): FetchExchange {
  const { promise, resolve } = createDeferred<Response>()
  const { signal } = request
  let gone = (): void => {}
  const exchange: Exchange = {
    open({ status, headers }, onDrain) {
      const { body, sink } = createBody(onDrain, () => gone())
      signal.addEventListener('abort', () => sink.network.end(sink), { once: true })
      resolve(new Response(body, { status, headers: [...headers] }))
      return sink
    },
    onGone(callback) {
      // Runtimes differ in which of the two they do when a client leaves: abort the request or cancel the body.
      gone = callback
      signal.addEventListener('abort', callback, { once: true })
      if (signal.aborted) callback()
    },
  }
  return { exchange, response: promise }
}

function createBody(
  onDrain: () => void,
  onCancel: () => void,
): { body: ReadableStream<Uint8Array>; sink: Sink } {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  function end(): void {
    controller?.close()
    controller = undefined
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      pull: onDrain,
      cancel() {
        controller = undefined
        onCancel()
      },
    },
    // `pull` is called whenever less than this waits.
    new ByteLengthQueuingStrategy({ highWaterMark: leastBufferedBytes }),
  )
  const network: Network = {
    // Whoever reads the body may take the buffer for itself; a frame that many connections share must stay whole.
    write: (_, chunks) => controller?.enqueue(joined(chunks)),
    buffered: () => leastBufferedBytes - (controller?.desiredSize ?? leastBufferedBytes),
    end,
    cut() {
      controller?.error(new Error('The reader was too slow.'))
      controller = undefined
    },
  }
  return { body, sink: { network } }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function createDeferred<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve = (_value: T): void => {}
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
