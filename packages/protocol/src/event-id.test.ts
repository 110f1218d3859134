import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVectors } from '../../../tests/support/vectors.ts'
import {
  compareEventIds,
  eventTimeMs,
  firstEventId,
  formatCompositeId,
  isEventId,
  maxLastEventIdLength,
  parseCompositeId,
} from './event-id.ts'

interface EventIdVectors {
  readonly valid: string[]
  readonly invalid: string[]
  readonly ascending: string[]
  readonly composite: Array<{ readonly text: string; readonly positions: Record<string, string> }>
  readonly invalidComposite: string[]
}

const vectors = readVectors<EventIdVectors>('event-ids')
const decimal = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const parts = fc.tuple(decimal, decimal)
const write = ([ms, sequence]: readonly [bigint, bigint]): string => `${ms}-${sequence}`

describe('isEventId', () => {
  it.each(vectors.valid)('P6: accepts %j', (id) => expect(isEventId(id)).toBe(true))
  it.each(vectors.invalid)('P6: refuses %j', (id) => expect(isEventId(id)).toBe(false))

  it('P6: accepts every pair of 64-bit numbers', () => {
    fc.assert(fc.property(parts, (id) => isEventId(write(id))))
  })

  it('refuses a text of 10 MB by its length alone', () => {
    expect(isEventId(`${'1'.repeat(10_000_000)}-0`)).toBe(false)
  })
})

describe('compareEventIds', () => {
  it('P7: compares as numbers, not as text', () => {
    const shuffled = vectors.ascending.toReversed()
    expect(shuffled.sort(compareEventIds)).toEqual(vectors.ascending)
  })

  it.each([
    ['any two ids', parts],
    [
      'ids with nearly the same time',
      fc.tuple(fc.bigInt({ min: 8n, max: 11n }), fc.bigInt({ min: 0n, max: 120n })),
    ],
  ])('P7: agrees with the numbers for %s', (_, ids) => {
    const sign = (n: number | bigint): number => (n > 0 ? 1 : n < 0 ? -1 : 0)
    fc.assert(
      fc.property(ids, ids, (a, b) => {
        const expected = sign(a[0] - b[0]) || sign(a[1] - b[1])
        expect(sign(compareEventIds(write(a), write(b)))).toBe(expected)
        expect(compareEventIds(write(a), write(a))).toBe(0)
      }),
    )
  })

  it('P6: puts the first id before all others', () => {
    for (const id of vectors.valid) expect(compareEventIds(firstEventId, id)).toBeLessThanOrEqual(0)
  })
})

describe('eventTimeMs', () => {
  it('reads the time of an id', () => {
    expect(eventTimeMs('1764000000000-42')).toBe(1_764_000_000_000)
  })
})

describe('composite ids', () => {
  it.each(vectors.composite)('P8: writes and reads $text', ({ text, positions }) => {
    expect(formatCompositeId(new Map(Object.entries(positions)))).toBe(text)
    expect(Object.fromEntries(parseCompositeId(text))).toEqual(positions)
  })

  it.each(vectors.invalidComposite)('P8: refuses %j', (text) => {
    expect(() => parseCompositeId(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_LAST_EVENT_ID' }),
    )
  })

  it('P8: refuses a text that is too long, and quotes only its start', () => {
    const text = Array.from({ length: maxLastEventIdLength / 4 }, (_, i) => `l${i}=1-0`).join(',')
    expect(() => parseCompositeId(text)).toThrow(
      /^"l0=1-0,.{35,45}…" is not an event id of this channel/,
    )
  })

  it('P8: parses every id that formatCompositeId writes', () => {
    const log = fc.stringMatching(/^[0-9a-z]{1,16}$/)
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(log, parts.map(write)), { minLength: 1, selector: ([key]) => key }),
        (entries) => {
          const positions = new Map(entries)
          expect(parseCompositeId(formatCompositeId(positions))).toEqual(positions)
        },
      ),
    )
  })
})
