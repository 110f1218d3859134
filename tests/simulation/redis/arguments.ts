import { CommandError } from './reply.ts'
import type { StreamId } from './stream.ts'

/** Parses a whole number. */
export function wholeNumber(text: string | undefined): number {
  if (text !== undefined && /^(0|-?[1-9]\d{0,18})$/.test(text)) return Number(text)
  throw new CommandError('ERR value is not an integer or out of range')
}

/** Parses a score or another number with a fraction. */
export function decimal(text: string): number {
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  throw new CommandError('ERR value is not a valid float')
}

const largest = 2 ** 64
export const firstId: StreamId = { ms: 0, seq: 0 }
export const lastId: StreamId = { ms: largest, seq: largest }

/** Parses an id of a stream; one without a sequence gets this one. */
export function streamId(text: string, missingSeq: number): StreamId {
  const match = /^(\d{1,20})(?:-(\d{1,20}))?$/.exec(text)
  if (!match) throw new CommandError('ERR Invalid stream ID specified as stream command argument')
  const [, ms, seq] = match
  return { ms: Number(ms), seq: seq === undefined ? missingSeq : Number(seq) }
}

/** Parses where a range starts: an id, `-`, or `(` and the id before it. */
export function rangeStart(text: string): StreamId {
  if (text === '-') return firstId
  if (!text.startsWith('(')) return streamId(text, 0)
  const { ms, seq } = streamId(text.slice(1), 0)
  return { ms, seq: seq + 1 }
}

/** Parses where a range ends: an id, `+`, or `(` and the id after it. */
export function rangeEnd(text: string): StreamId {
  if (text === '+') return lastId
  if (!text.startsWith('(')) return streamId(text, largest)
  const { ms, seq } = streamId(text.slice(1), largest)
  if (seq === 0 && ms === 0) throw new CommandError('ERR invalid end ID for the interval')
  return seq === 0 ? { ms: ms - 1, seq: largest } : { ms, seq: seq - 1 }
}

/** The place of an option, whose letters may have any case; -1 if it isn't there. */
export function isOption(text: string | undefined, name: string): boolean {
  return text?.toUpperCase() === name
}
