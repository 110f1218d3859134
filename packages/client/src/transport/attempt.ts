import {
  type Clock,
  createDecoder,
  type DecodedMessage,
  isRealtimeError,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { StreamEvent } from '../stream/state.ts'
import type { Endpoint, HttpRequest } from '../wire/request.ts'
import type { Fetch } from './fetch.ts'
import { judgeResponse, type ReadErrorBody } from './response.ts'
import { createWatchdog } from './watchdog.ts'

/** How to send requests. */
export interface RequestOptions {
  readonly fetch: Fetch
  /**
   * Asks the app for its options. A failure counts as a lost connection, because a request for a
   * token may have failed.
   */
  readonly endpoint: () => Promise<Endpoint>
}

/** Receives the messages of a response, until the signal aborts. */
export interface Receiver {
  readonly signal: AbortSignal
  /** Bytes have arrived, perhaps only a part of a message. */
  readonly onSign: () => void
  readonly onMessage: (message: DecodedMessage) => void
  /** Returns the event for an answer; `undefined` if the answer is the stream. */
  readonly judge: (response: Response) => Promise<StreamEvent | undefined>
}

/**
 * Requests a stream and receives its messages, until there are no more or the signal aborts.
 * Resolves with the event of its end; `undefined` if the response has simply ended.
 */
export type Receive = (
  options: ConnectionOptions,
  receiver: Receiver,
) => Promise<StreamEvent | undefined>

/** One attempt at a stream: one HTTP request, and the messages of its response. */
export interface ConnectionOptions extends RequestOptions {
  /** Receives a stream instead of `fetch`. */
  readonly receive: Receive | undefined
  readonly clock: Clock
  /** The longest time from the start until {@link Connection.opened}, in milliseconds. */
  readonly connectTimeoutMs: number
  /** Writes the request. Not called after {@link Connection.close}. */
  readonly write: (endpoint: Endpoint) => HttpRequest
  readonly readErrorBody: ReadErrorBody
  /** Must not throw. */
  readonly onMessage: (message: DecodedMessage) => void
  /**
   * Called with requests of the server, and finally with the attempt's end. Ignore it after {@link
   * Connection.close}.
   */
  readonly onEvent: (event: StreamEvent) => void
  /** Resolves with the error of an attempt that timed out. */
  readonly onTimeout: (error: RealtimeError, request: HttpRequest) => Promise<RealtimeError>
}

/** An attempt in progress. */
export interface Connection {
  /**
   * The first message has arrived. From now on, silence of this many milliseconds means that the
   * connection is dead.
   */
  opened(inactivityTimeoutMs: number): void
  /**
   * Checks the clock. Timers may have been suspended while the connection was silent for too long.
   */
  check(): void
  /** Ends the attempt. No message is passed on after that. */
  close(): void
}

/** Starts one attempt. */
export function connect(options: ConnectionOptions): Connection {
  const abort = new AbortController()
  const { signal } = abort
  let open = false
  let request: HttpRequest | undefined
  // The signal's reason would do, but signals of older React Native versions have none.
  let dead: RealtimeError | undefined
  const watchdog = createWatchdog(options.clock, (limitMs) => {
    dead = silence(open, limitMs)
    abort.abort()
  })
  watchdog.watch(options.connectTimeoutMs)

  function close(): void {
    watchdog.stop()
    abort.abort()
  }
  const receiver: Receiver = {
    signal,
    onSign() {
      // Before the first message, bytes prove nothing, because a proxy may send some while it
      // waits.
      if (open) watchdog.touch()
    },
    onMessage(message) {
      if (!signal.aborted) options.onMessage(message)
    },
    judge: (response) => judgeResponse(response, options),
  }
  const { receive = receiveResponse } = options
  function write(endpoint: Endpoint): HttpRequest {
    request = options.write(endpoint)
    return request
  }
  const received = unlessAborted(signal, receive({ ...options, write }, receiver)).then(
    (event) => event ?? lost('The response ended before the subscription was complete.'),
    (error: unknown) => failure(error, request),
  )
  void received.then(async (event) => {
    close()
    if (dead && !open && request) dead = await options.onTimeout(dead, request)
    options.onEvent(dead ? { type: 'lost', error: dead } : event)
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

function failure(error: unknown, request: HttpRequest | undefined): StreamEvent {
  if (isRealtimeError(error) && !error.retryable) return { type: 'refused', error }
  const to = request ? ` to ${withoutSecrets(request.url)}` : ''
  return lost(`The connection${to} failed${codeOf(error)}.`, error)
}

/** Returns an address that may appear in a log: queries can contain tokens. */
function withoutSecrets(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//')
}

/**
 * Returns the runtime's code of a failure: Node has `ECONNREFUSED` in the cause of "fetch failed".
 */
function codeOf(error: unknown): string {
  const { code, cause } = Object(error)
  const name: unknown = code ?? Object(cause).code
  return typeof name === 'string' ? ` (${name})` : ''
}

/** Receives the body of a response while it arrives. */
async function receiveResponse(
  options: ConnectionOptions,
  { signal, onSign, onMessage, judge }: Receiver,
): Promise<StreamEvent | undefined> {
  const { fetch, endpoint, write, onEvent } = options
  const response = await send(fetch, endpoint, write, signal)
  const refused = await judge(response)
  if (refused || signal.aborted) return refused
  onEvent({ type: 'answered' })
  const decoder = createDecoder({ onMessage, onRetry: (ms) => onEvent({ type: 'retry', ms }) })
  function onChunk(chunk: Uint8Array): void {
    onSign()
    decoder.push(chunk)
  }
  if (response.body) await readAll(response.body, onChunk, signal)
  return undefined
}

function lost(message: string, cause?: unknown): StreamEvent {
  return { type: 'lost', error: new RealtimeError('CONNECTION_LOST', message, { cause }) }
}

function silence(open: boolean, limitMs: number): RealtimeError {
  return open
    ? new RealtimeError('CONNECTION_SILENT', `The connection was silent for ${limitMs} ms.`)
    : new RealtimeError('CONNECT_TIMEOUT', `No stream was open after ${limitMs} ms.`)
}

/**
 * Passes on one chunk at a time. Reads the next one when the handlers for this one have returned.
 */
async function readAll(
  body: ReadableStream<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = body.getReader()
  // Some fetch functions don't end the body when aborted. Canceling a failed body fails, too;
  // ignore that.
  signal.addEventListener('abort', () => void reader.cancel().catch(() => {}))
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
    onChunk(chunk.value)
}

/** Sends a request with the app's current options. Rejects if the signal aborts first. */
export async function send(
  fetch: Fetch,
  endpoint: () => Promise<Endpoint>,
  write: (endpoint: Endpoint) => HttpRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { url, ...request } = await prepare(endpoint, write, signal)
  // A plain object, as in httpBatchLink: the app's fetch may add to it with `{ ...init.headers }`.
  const headers = Object.fromEntries(request.headers)
  return fetch(url, { ...request, headers, signal, cache: 'no-store' })
}

/** Writes a request with the app's current options. Rejects if the signal aborts first. */
export async function prepare(
  endpoint: () => Promise<Endpoint>,
  write: (endpoint: Endpoint) => HttpRequest,
  signal: AbortSignal,
): Promise<HttpRequest> {
  const to = await endpoint()
  if (signal.aborted) throw signal.reason
  return write(to)
}

/** Calls `use` with a signal. After `limitMs`, aborts the signal and rejects. */
export async function within<T>(
  clock: Clock,
  limitMs: number,
  abort: AbortController,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const cancel = clock.after(limitMs, () => abort.abort())
  return unlessAborted(abort.signal, use(abort.signal)).finally(cancel)
}

/** Waits for a promise. Rejects with the signal's reason if the signal aborts first. */
function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
