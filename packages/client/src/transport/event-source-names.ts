import type { RealtimeError } from '@trpc-sse/protocol'
import type { StreamEvent } from '../stream/state.ts'
import type { HttpRequest } from '../wire/request.ts'
import type { EventName } from '../wire/single.ts'
import type { Receiver } from './attempt.ts'
import type {
  EventSourceConstructor,
  EventSourceEvent,
  EventSourceLike,
  EventSourceOptions,
} from './event-source.ts'

/** An EventSource passes on only the events that it has listeners for. */
const names: Readonly<Record<EventName, true>> = {
  message: true,
  connected: true,
  ping: true,
  'serialized-error': true,
  return: true,
  'restore-id': true,
  gap: true,
  reconnect: true,
}

/** The app's options for opening an EventSource. */
interface Given extends EventSourceOptions {
  readonly EventSource: EventSourceConstructor
  /**
   * Passed in, because bundlers put a module that the link and this file import in another chunk.
   */
  readonly RealtimeError: typeof RealtimeError
}

/**
 * Receives the messages of an EventSource, until it ends or the signal aborts. Rejects when it
 * fails. It is then closed, because the link decides about retries.
 */
export async function receiveEvents(
  given: Given,
  request: HttpRequest,
  receiver: Receiver,
): Promise<StreamEvent | undefined> {
  const { signal } = receiver
  // The signal may have aborted since the request was written. A listener added now isn't called.
  if (signal.aborted) return undefined
  const source = open(given, request)
  return new Promise((resolve) => {
    let isOver = false
    function end(verdict?: Promise<StreamEvent | undefined>): void {
      isOver = true
      source.close()
      resolve(verdict)
    }
    signal.addEventListener('abort', () => end())
    // Some classes dispatch events even after they were closed.
    listen(
      (type, listener) => source.addEventListener(type, (event) => isOver || listener(event)),
      receiver,
      end,
    )
  })
}

function open(
  { EventSource, eventSourceOptions, RealtimeError }: Given,
  { url, headers }: HttpRequest,
): EventSourceLike {
  // An EventSource sets this header itself.
  headers.delete('accept')
  const options = { ...eventSourceOptions, headers: Object.fromEntries(headers) }
  try {
    return new EventSource(url, options as never)
  } catch (error) {
    // The address may be invalid, for example. A retry can't succeed.
    const message = `No EventSource can be made: ${error}. Check url and eventSourceOptions.`
    throw new RealtimeError('INVALID_OPTION', message, { cause: error })
  }
}

function listen(
  on: EventSourceLike['addEventListener'],
  { onSign, onMessage, judge }: Receiver,
  end: (verdict?: Promise<StreamEvent | undefined>) => void,
): void {
  let position = ''
  let isOpen = false
  for (const event of Object.keys(names)) {
    on(event, ({ data, lastEventId }) => {
      onSign()
      const id = lastEventId ?? ''
      // `lastEventId` is the id of the newest message that had one. Only a data message is certain
      // to have its own id.
      const isOwn = event === 'message' || id !== position
      position = id
      onMessage({ event, data: data ?? '', id: isOwn ? id : undefined })
    })
  }
  on('open', () => {
    // The response has ended without an error event, and the EventSource has reconnected by itself.
    if (isOpen) end()
    isOpen = true
  })
  on('error', (event) => end(meaningOf(event, judge)))
}

/**
 * Returns the event for an answer. Rejects with any other failure, which a browser's EventSource
 * doesn't specify.
 */
async function meaningOf(
  { xhrStatus, code, message }: EventSourceEvent,
  judge: Receiver['judge'],
): Promise<StreamEvent | undefined> {
  const status = xhrStatus ?? code ?? 0
  if (status >= 400 && status < 600) return judge(new Response(message, { status }))
  // If there is also a status, the message is the text that was received so far.
  const text = xhrStatus === undefined ? message : undefined
  throw new Error(text || 'The EventSource failed, and does not say why.')
}
