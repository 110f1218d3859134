import { RealtimeError } from './errors.ts'

/** One message read from a `text/event-stream`. */
export interface DecodedMessage {
  /** The event's name; `message` if the sender gave none. */
  readonly event: string
  readonly data: string
  /** The id of this message itself: `undefined` if it has none, `''` if its id is empty. */
  readonly id: string | undefined
}

/** The callbacks and the limit of a {@link Decoder}. */
export interface DecoderOptions {
  onMessage(message: DecodedMessage): void
  /** Called when the sender asks to wait this many milliseconds before a reconnect. */
  onRetry?(retryMs: number): void
  /** Called when a comment arrived, which shows that the connection is alive. */
  onComment?(): void
  /**
   * The maximum length of one message, in characters. `push` throws `INVALID_MESSAGE` for a longer
   * one.
   *
   * @default 16_777_216
   */
  readonly maxMessageLength?: number
}

/**
 * Reads a `text/event-stream` chunk by chunk. A chunk may end anywhere, even within a character.
 */
export interface Decoder {
  /** Reads the next chunk. Throws `INVALID_MESSAGE`, and the errors that its callbacks throw. */
  push(chunk: Uint8Array): void
}

/** Creates a reader of one `text/event-stream`. */
export function createDecoder({
  onMessage,
  onRetry,
  onComment,
  maxMessageLength = 16_777_216,
}: DecoderOptions): Decoder {
  // TextDecoder removes a byte order mark.
  const decoder = new TextDecoder()
  let unended = ''
  let endedInCr = false
  let data: string | undefined
  let event = ''
  let id: string | undefined

  function takeLine(line: string): void {
    if (line === '') {
      dispatch()
      return
    }
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d+$/.test(value)) onRetry?.(Number(value))
    else if (field === '') onComment?.()
  }

  function dispatch(): void {
    const message = { event: event || 'message', data, id }
    data = undefined
    event = ''
    id = undefined
    if (message.data !== undefined) onMessage(message as DecodedMessage)
  }

  return {
    push(chunk) {
      let text = decoder.decode(chunk, { stream: true })
      if (text === '') return
      // A CR ends a line at once. A LF that follows belongs to the same line end, even in the next
      // chunk.
      if (endedInCr && text[0] === '\n') text = text.slice(1)
      endedInCr = text.endsWith('\r')
      const lines = text.split(text.includes('\r') ? /\r\n?|\n/ : '\n')
      lines[0] = unended + lines[0]
      unended = lines.pop() ?? ''
      for (const line of lines) takeLine(line)
      if (unended.length + (data?.length ?? 0) <= maxMessageLength) return
      const message = `A message has more than ${maxMessageLength} characters. Is this a text/event-stream?`
      throw new RealtimeError('INVALID_MESSAGE', message)
    },
  }
}
