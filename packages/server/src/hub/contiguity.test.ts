import { describe, expect, it } from 'vitest'
import type { LogPage, StoredEvent } from '../backend/backend.ts'
import { createCodec } from '../codec/codec.ts'
import { checkContiguity, type LogPosition } from './contiguity.ts'

const codec = createCodec(undefined)
const at = (n: number): string => `${n}-0`
const event = (n: number, prev = n - 1, data = String(n)): StoredEvent => ({
  id: at(n),
  prev: at(prev),
  data,
})
const page = (events: readonly StoredEvent[], last = events.at(-1)?.id ?? at(0)): LogPage => ({
  events,
  lastEventId: last,
})

/** Checks a page. Returns its entries as one line: `<prev>><id>` for events, `!<id>` for jumps. */
function check(from: LogPosition, read: LogPage): string {
  const { entries, next } = checkContiguity(from, read, (stored, prev) =>
    stored.data === 'bad'
      ? undefined
      : { kind: 'event', ...stored, prev, codec, decoded: undefined, frame: undefined },
  )
  const shown = entries.map((entry) =>
    entry.kind === 'jump' ? `!${entry.id}` : `${entry.prev}>${entry.id}`,
  )
  return [...shown, next ? `more after ${next.after}` : 'end'].join(' ')
}

describe('checkContiguity', () => {
  it.each([
    [
      'continues at the reader’s position',
      { id: at(1) },
      page([event(2), event(3)]),
      '1-0>2-0 2-0>3-0 end',
    ],
    [
      'keeps a break in the chain visible',
      { id: at(1) },
      page([event(5), event(6)]),
      '4-0>5-0 5-0>6-0 end',
    ],
    ['has no entries if there is no new event', { id: at(4) }, page([], at(4)), 'end'],
    ['jumps if events have expired', { id: at(1) }, page([], at(4)), '!4-0 end'],
    ['jumps back if the log was reset', { id: at(9) }, page([], at(4)), '!4-0 end'],
    [
      'continues after the page if the newest event isn’t in it',
      { id: at(1) },
      page([event(2)], at(3)),
      '1-0>2-0 more after 2-0',
    ],
    [
      'skips an undecodable event',
      { id: at(1) },
      page([event(2, 1, 'bad'), event(3)]),
      '1-0>3-0 end',
    ],
    [
      'skips an undecodable event that isn’t part of the chain',
      { id: at(1) },
      page([event(2, 9, 'bad'), event(3, 1)]),
      '1-0>3-0 end',
    ],
    [
      'shows a gap before an undecodable event',
      { id: at(1) },
      page([event(4, 3, 'bad'), event(5)]),
      '4-0>5-0 end',
    ],
    [
      'ends at an undecodable last event without a jump',
      { id: at(1) },
      page([event(2, 1, 'bad')]),
      'end',
    ],
    [
      'continues after an undecodable event of the previous page',
      { id: at(1), skipped: at(2) },
      page([event(3)]),
      '1-0>3-0 end',
    ],
  ] as const)('%s', (_name, from, read, expected) => {
    expect(check(from, read)).toBe(expected)
  })

  it('continues after an undecodable last event of a page that isn’t the end of the log', () => {
    expect(check({ id: at(1) }, page([event(2), event(3, 2, 'bad')], at(9)))).toBe(
      '1-0>2-0 more after 3-0',
    )
  })
})
