import { RealtimeError } from './errors.ts'

/** One message of a `text/event-stream`. */
export interface SseMessage {
  /** The event's name, in one line. A message without a name is read as `message`. */
  readonly event?: string
  /** The id that a client sends back to resume after this message: one line without NUL. */
  readonly id?: string
  /** The payload. It may have several lines; the reader gets LF for CR, LF and CRLF. */
  readonly data?: string
  /** Asks the client to wait this many milliseconds before it reconnects: a whole number. */
  readonly retryMs?: number
}

/**
 * Writes one message as `text/event-stream`. No other code in the project writes that format.
 * Throws `INVALID_MESSAGE` for a name or an id that would start a new field.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */
export function encode({ event, id, data, retryMs }: SseMessage): string {
  let text = ''
  if (event !== undefined) text += encodeEventName(event)
  if (data !== undefined) text += dataLines(data)
  if (id !== undefined) text += `id: ${singleLine('id', id)}\n`
  if (retryMs !== undefined) text += `retry: ${wholeNumber(retryMs)}\n`
  return `${text}\n`
}

/**
 * Writes a message with an id, and returns the parts before and after its data. The caller inserts
 * the data, which must be one line. Throws `INVALID_MESSAGE`.
 */
export function encodeAround(id: string): readonly [before: string, after: string] {
  const before = 'data: '
  return [before, encode({ data: '', id }).slice(before.length)]
}

/**
 * Writes the `event` line of a message. The output of {@link encode} for the same message without a
 * name can follow. So one encoded message can be reused under many names. Throws `INVALID_MESSAGE`.
 */
export function encodeEventName(event: string): string {
  return `event: ${singleLine('event', event)}\n`
}

function dataLines(data: string): string {
  // JSON has no line breaks, so most payloads needn't be split into lines.
  if (!lineBreak.test(data)) return `data: ${data}\n`
  return data
    .split(lineBreaks)
    .map((line) => `data: ${line}\n`)
    .join('')
}

const lineBreak = /[\r\n]/
const lineBreaks = /\r\n|\r|\n/
// The specification tells readers to ignore an id that contains NUL.
const notOneLine = /[\r\n\0]/

function singleLine(field: 'event' | 'id', value: string): string {
  if (!notOneLine.test(value)) return value
  throw new RealtimeError(
    'INVALID_MESSAGE',
    `The ${field} ${JSON.stringify(value.slice(0, 48))} must be one line: remove CR, LF and NUL from it.`,
  )
}

function wholeNumber(ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new RealtimeError(
    'INVALID_MESSAGE',
    `retryMs is ${ms}: give a whole number of milliseconds, 0 or more.`,
  )
}
