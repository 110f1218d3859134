import type { Receiver } from './connection.ts'
import type { EventSourceConstructor, EventSourceEvent, EventSourceLike } from './event-source.ts'
import type { SseLinkBaseOptions } from './options.ts'
import type { HttpRequest } from './request.ts'
import type { EventName } from './single.ts'
import type { StreamEvent } from './state.ts'

/** An EventSource hands on only what is listened for. */
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

/** What the app gives to open an EventSource. */
interface Given extends SseLinkBaseOptions {
  readonly EventSource: EventSourceConstructor
}

/**
 * Receives the messages of an EventSource, until it fails or the signal aborts. It is kept from what it would do by itself
 * then, to connect anew: there is one who decides about that.
 */
export async function receiveEvents(
  given: Given,
  request: HttpRequest,
  receiver: Receiver,
): Promise<StreamEvent | undefined> {
  try {
    const source = open(given, request)
    return await new Promise((resolve) => {
      function end(verdict?: Promise<StreamEvent | undefined>): void {
        source.close()
        resolve(verdict)
      }
      receiver.signal.addEventListener('abort', () => end())
      listen(source, receiver, end)
    })
  } catch (error) {
    // It says that the address is none, for example: that won't get better.
    return { type: 'refused', error }
  }
}

function open({ EventSource, eventSourceOptions }: Given, { url, headers }: HttpRequest): EventSourceLike {
  // It knows best what it accepts.
  headers.delete('accept')
  const options = { ...eventSourceOptions, headers: Object.fromEntries(headers) }
  return new EventSource(url, options as never)
}

function listen(
  source: EventSourceLike,
  { onSign, onMessage, judge }: Receiver,
  end: (verdict?: Promise<StreamEvent | undefined>) => void,
): void {
  let position = ''
  let isOpen = false
  for (const event of Object.keys(names)) {
    source.addEventListener(event, ({ data, lastEventId }: EventSourceEvent) => {
      onSign()
      const id = lastEventId ?? ''
      // It is that of the newest message that had one. Only of a data message is it known that it is its own.
      const isOwn = event === 'message' || id !== position
      position = id
      onMessage({ event, data: data ?? '', id: isOwn ? id : undefined })
    })
  }
  source.addEventListener('open', () => {
    // The response had ended without a word, and it has connected anew by itself.
    if (isOpen) end()
    isOpen = true
  })
  source.addEventListener('error', (event: EventSourceEvent) => end(meaningOf(event, judge)))
}

/** Says what a failure means. A browser's EventSource doesn't say what it was: that is tried again, whatever it was. */
async function meaningOf(
  { xhrStatus, code, message }: EventSourceEvent,
  judge: Receiver['judge'],
): Promise<StreamEvent | undefined> {
  const status = xhrStatus ?? code ?? 0
  if (status >= 400 && status < 600) return judge(new Response(message, { status }))
  // Beside the status of a request, it is all that was received so far.
  const text = xhrStatus === undefined ? message : undefined
  return { type: 'lost', error: new Error(text || 'The EventSource failed, and does not say why.') }
}
