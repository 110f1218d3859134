import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readVectors } from '../../../tests/support/vectors.ts'
import { createDecoder, type DecodedMessage, encode, type SseMessage } from './index.ts'

interface EncodeVector {
  readonly name: string
  readonly message: SseMessage
  readonly text?: string
  readonly error?: string
}

const vectors = readVectors<EncodeVector[]>('encode')

/** Splits a text's bytes at these offsets, and decodes the parts. */
function decode(text: string, cuts: readonly number[] = []): DecodedMessage[] {
  const messages: DecodedMessage[] = []
  const decoder = createDecoder({ onMessage: (message) => messages.push(message) })
  const bytes = new TextEncoder().encode(text)
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  )
  for (const [index, place] of places.entries())
    decoder.push(bytes.subarray(place, places[index + 1]))
  return messages
}

describe('encode', () => {
  it.each(vectors.filter(({ text }) => text !== undefined))(
    'P2: writes $name',
    ({ message, text }) => {
      expect(encode(message)).toBe(text)
    },
  )

  it.each(vectors.filter(({ error, message }) => error && message.retryMs === undefined))(
    'P3: refuses $name',
    ({ message, error }) => {
      expect(() => encode(message)).toThrow(expect.objectContaining({ code: error }))
    },
  )

  it.each(vectors.filter(({ error, message }) => error && message.retryMs !== undefined))(
    'P4: refuses $name',
    ({ message, error }) => {
      expect(() => encode(message)).toThrow(expect.objectContaining({ code: error }))
    },
  )

  it('says what to do, and quotes only the start of the value', () => {
    expect(() => encode({ id: `1\n${'x'.repeat(1_000)}` })).toThrow(
      /^The id ".{47,60}" must be one line: remove CR/,
    )
  })
})

const anyText = fc.string({ unit: 'binary', maxLength: 60 })
const payload = fc.oneof(anyText, fc.json(), fc.stringMatching(/^[\r\n: a]{0,12}$/))
const oneLine = anyText.filter((text) => !/[\r\n\0]/.test(text))

describe('encode and decode', () => {
  it('P1: return every message unchanged, however the bytes are split', () => {
    const message = fc.record(
      { event: oneLine, data: payload, id: oneLine },
      { requiredKeys: ['data'] },
    )
    const cuts = fc.array(fc.nat(), { maxLength: 12 })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), cuts, (messages, places) => {
        const expected = messages.map(({ event, data, id }) => ({
          event: event || 'message',
          data: data.replace(/\r\n?/g, '\n'),
          id,
        }))
        expect(decode(messages.map(encode).join(''), places)).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('P3: never let an id or a name start another message', () => {
    fc.assert(
      fc.property(anyText, anyText, (event, id) => {
        let text: string
        try {
          text = encode({ event, data: 'x', id })
        } catch {
          return
        }
        expect(decode(text)).toEqual([{ event: event || 'message', data: 'x', id }])
      }),
      { numRuns: 500 },
    )
  })
})
