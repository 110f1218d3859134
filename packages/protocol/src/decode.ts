import { RealtimeError } from './errors.ts'

/** One message read from a `text/event-stream`. */
export interface DecodedMessage {
  /** `message` where the sender gave no name. */
  readonly event: string
  readonly data: string
  /**
   * The id that this very message carried; `undefined` if it carried none, `''` if an empty one.
   */
  readonly id: string | undefined
}

/** Where a {@link Decoder} puts what it read. */
export interface DecoderOptions {
  onMessage(message: DecodedMessage): void
  /** The sender asks to wait this many milliseconds before a reconnect. */
  onRetry?(retryMs: number): void
  /** Anything else arrived, a comment for example: the connection is alive. */
  onComment?(): void
  /**
   * The most characters that one message may have. Beyond it `push` throws `INVALID_MESSAGE`.
   *
   * @default 16_777_216
   */
  readonly maxMessageLength?: number
}

/** Reads a `text/event-stream`, chunk by chunk, wherever the chunks are cut. */
export interface Decoder {
  /** Reads on. Throws what `onMessage` throws, and `INVALID_MESSAGE`. */
  push(chunk: Uint8Array): void
}

/** Creates a reader of one `text/event-stream`. */
export function createDecoder({
  onMessage,
  onRetry,
  onComment,
  maxMessageLength = 16_777_216,
}: DecoderOptions): Decoder {
  // It removes a byte order mark.
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
      // A CR ends a line at once. The LF that follows it belongs to the same line end, in whichever
      // chunk it comes.
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
