import {
  type Clock,
  createDecoder,
  type DecodedMessage,
  isRealtimeError,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { Fetch } from './fetch.ts'
import type { Endpoint, HttpRequest } from './request.ts'
import { judgeResponse, type ReadErrorBody } from './response.ts'
import type { StreamEvent } from './state.ts'
import { createWatchdog } from './watchdog.ts'

/** Where requests go, and how. */
export interface RequestOptions {
  readonly fetch: Fetch
  /** Asks the app. If it fails, that is a lost connection: it may well ask a server for a token. */
  readonly endpoint: () => Promise<Endpoint>
}

/** One attempt at a stream: one HTTP request, and the messages of its response. */
export interface ConnectionOptions extends RequestOptions {
  readonly clock: Clock
  /** How long it may take from the start until {@link Connection.opened}, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Writes the request that is then sent. Not called after {@link Connection.close}. */
  readonly write: (endpoint: Endpoint) => HttpRequest
  readonly readErrorBody: ReadErrorBody
  /** Must not throw. */
  readonly onMessage: (message: DecodedMessage) => void
  /** Is told what the server asks for, and at last how it ended. What comes after {@link Connection.close} is no news. */
  readonly onEvent: (event: StreamEvent) => void
}

/** An attempt that is under way. */
export interface Connection {
  /** The first message has arrived: from now on, so much silence in milliseconds means that it is dead. */
  opened(inactivityTimeoutMs: number): void
  /** Looks at the clock: it may have been silent for too long while timers stood still. */
  check(): void
  /** Ends it. No message is handed on after that. */
  close(): void
}

/** Starts one attempt. */
export function connect(options: ConnectionOptions): Connection {
  const abort = new AbortController()
  let open = false
  const watchdog = createWatchdog(options.clock, (limitMs) => abort.abort(silence(open, limitMs)))
  watchdog.watch(options.connectTimeoutMs)

  const decoder = createDecoder({
    onMessage: (message) => {
      if (!abort.signal.aborted) options.onMessage(message)
    },
    onRetry: (ms) => options.onEvent({ type: 'retry', ms }),
  })
  function onChunk(chunk: Uint8Array): void {
    // Until it is open, bytes prove nothing: a proxy may send some to keep us waiting.
    if (open) watchdog.touch()
    decoder.push(chunk)
  }

  function close(): void {
    watchdog.stop()
    abort.abort()
  }
  void run(options, abort.signal, onChunk).then((event) => {
    close()
    options.onEvent(event)
  })
  return {
    opened(inactivityTimeoutMs) {
      open = true
      watchdog.watch(inactivityTimeoutMs)
    },
    check: watchdog.check,
    close,
  }
}

async function run(
  options: ConnectionOptions,
  signal: AbortSignal,
  onChunk: (chunk: Uint8Array) => void,
): Promise<StreamEvent> {
  try {
    const response = await send(options, options.write, signal)
    const refused = await unlessAborted(signal, judgeResponse(response, options.readErrorBody, options.clock))
    if (refused) return refused
    options.onEvent({ type: 'answered' })
    if (response.body) await readAll(response.body, onChunk, signal)
    signal.throwIfAborted()
    return { type: 'lost', error: lostError('The response ended, but the subscription is not complete.') }
  } catch (error) {
    if (signal.aborted) return { type: 'lost', error: signal.reason }
    if (isRealtimeError(error) && !error.retryable) return { type: 'refused', error }
    return { type: 'lost', error: lostError('The connection failed, or could not be made.', error) }
  }
}

function lostError(message: string, cause?: unknown): RealtimeError {
  return new RealtimeError('CONNECTION_LOST', `${message} Another one will be opened.`, { cause })
}

function silence(open: boolean, limitMs: number): RealtimeError {
  return open
    ? new RealtimeError(
        'CONNECTION_SILENT',
        `The connection was silent for ${limitMs} ms. Another one will be opened.`,
      )
    : new RealtimeError(
        'CONNECT_TIMEOUT',
        `No stream was open after ${limitMs} ms. Another try will be made.`,
      )
}

/** Hands on chunk by chunk; the next one is read when the handlers of this one are done. */
async function readAll(
  body: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = body.getReader()
  // Some fetches don't end their body when aborted. To cancel one that failed fails too, and that is no news.
  signal.addEventListener('abort', () => void reader.cancel().catch(() => {}))
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) onChunk(chunk.value)
}

/** Sends a request to where the app wants it now. Rejects as soon as the signal aborts. */
export async function send(
  { endpoint, fetch }: RequestOptions,
  write: (endpoint: Endpoint) => HttpRequest,
  signal: AbortSignal,
): Promise<Response> {
  const to = await unlessAborted(signal, endpoint())
  signal.throwIfAborted()
  const { url, ...request } = write(to)
  return unlessAborted(signal, fetch(url, { ...request, signal, cache: 'no-store' }))
}

/** Waits for a promise, but no longer than until the signal aborts: then rejects with its reason. */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
