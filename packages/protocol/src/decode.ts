import { createParser } from 'eventsource-parser'
import { RealtimeError } from './errors.ts'

/** One message read from a `text/event-stream`. */
export interface DecodedMessage {
  /** `message` where the sender gave no name. */
  readonly event: string
  readonly data: string
  /** The id that this very message carried; `undefined` if it carried none, `''` if an empty one. */
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
export function createDecoder({ onMessage, maxMessageLength, ...others }: DecoderOptions): Decoder {
  const text = new TextDecoder()
  const maxBufferSize = maxMessageLength ?? 16_777_216
  const parser = createParser({
    ...others,
    maxBufferSize,
    onEvent: ({ event, data, id }) => onMessage({ event: event ?? 'message', data, id }),
    onError(cause) {
      // An unknown field is to be ignored, by the specification; only a message without end is an error.
      if (cause.type !== 'max-buffer-size-exceeded') return
      const message = `A message has more than ${maxBufferSize} characters. Is this a text/event-stream?`
      throw new RealtimeError('INVALID_MESSAGE', message, { cause })
    },
  })
  // The decoder has removed a byte order mark; the parser would look for one in the first text that it gets.
  parser.feed('')
  const endLines = createLineEnder()
  return { push: (chunk) => parser.feed(endLines(text.decode(chunk, { stream: true }))) }
}

/**
 * Makes an LF of every line end, also of a CR that ends a chunk. The parser would wait there for an LF, and hold back
 * a message that is complete. If the LF does follow, it belongs to that line end.
 */
function createLineEnder(): (text: string) => string {
  let endedInCr = false
  return (text) => {
    if (text === '') return text
    const rest = endedInCr && text.startsWith('\n') ? text.slice(1) : text
    endedInCr = rest.endsWith('\r')
    return rest.replace(/\r\n?/g, '\n')
  }
}
