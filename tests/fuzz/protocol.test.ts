import {
  compareEventIds,
  createDecoder,
  type DecodedMessage,
  encode,
  formatCompositeId,
  isEventId,
  isRealtimeError,
  parseCompositeId,
  parseConnectedData,
  parseGapData,
  parseMultiplexedRequest,
} from '@trpc-sse/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fuzz, timeoutMs } from './fuzz.ts'
import { cutAt, cutOrChanged, oddJson, oddText, wellFormed } from './inputs.ts'

function decode(chunks: readonly Uint8Array[]): readonly unknown[] {
  const seen: unknown[] = []
  const decoder = createDecoder({
    onMessage: (message) => seen.push(message),
    onRetry: (ms) => seen.push(ms),
  })
  for (const chunk of chunks) decoder.push(chunk)
  return seen
}

/** Runs a parser, which may only throw a RealtimeError with this code. */
function mayRefuse(code: string, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (isRealtimeError(error) && error.code === code) return
    throw error
  }
}

const places = fc.array(fc.nat(4_096), { maxLength: 12 })
const eventId = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map((parts) => parts.join('-'))

it('the decoder reads any bytes the same, however they are split', {
  timeout: timeoutMs,
}, async () => {
  const lines = fc.array(
    fc.tuple(fc.constantFrom('data', 'id', 'event', 'retry', '', 'x'), oddText),
    {
      maxLength: 12,
    },
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 512 }),
    oddText.map((text) => new TextEncoder().encode(text)),
    lines.map((all) =>
      new TextEncoder().encode(all.map(([name, text]) => `${name}:${text}\n`).join('')),
    ),
  )
  await fuzz('decoder', {
    inputs: fc.tuple(bytes, places),
    count: 2_000,
    check([whole, at]) {
      expect(decode(cutAt(whole, at))).toEqual(decode([whole]))
    },
  })
})

it('every message is decoded as it was encoded, or refused', { timeout: timeoutMs }, async () => {
  const message = fc.record({
    data: oddText,
    event: fc.option(oddText, { nil: undefined }),
    id: fc.option(oddText, { nil: undefined }),
  })
  await fuzz('encoder', {
    inputs: fc.tuple(fc.array(message, { maxLength: 5 }), places),
    count: 2_000,
    check([messages, at]) {
      const written: DecodedMessage[] = []
      let text = ''
      for (const { data, event, id } of messages) {
        try {
          text += encode({ data, ...(event && { event }), ...(id !== undefined && { id }) })
          written.push({
            event: event || 'message',
            data: wellFormed(data.replace(/\r\n?/g, '\n')),
            id: id === undefined ? undefined : wellFormed(id),
          })
        } catch {
          expect(`${event}${id}`).toMatch(/[\r\n\0]/)
        }
      }
      const seen = decode(cutAt(new TextEncoder().encode(text), at))
      expect(seen).toEqual(written.map((one) => ({ ...one, event: wellFormed(one.event) })))
    },
  })
})

it('every id is parsed as it was written, or refused', { timeout: timeoutMs }, async () => {
  const positions = fc.dictionary(fc.stringMatching(/^[0-9a-z]{1,16}$/), eventId, {
    minKeys: 1,
    maxKeys: 12,
  })
  const ids = positions.map((all) => formatCompositeId(new Map(Object.entries(all))))
  await fuzz('ids', {
    inputs: fc.tuple(fc.oneof(oddText, ids, ids.chain(cutOrChanged)), eventId, eventId),
    count: 2_000,
    check([text, a, b]) {
      mayRefuse('INVALID_LAST_EVENT_ID', () =>
        expect(formatCompositeId(parseCompositeId(text))).toBe(text),
      )
      const order = compareEventIds(a, b)
      expect(Math.sign(order)).toBe(-Math.sign(compareEventIds(b, a)) + 0)
      expect(order === 0).toBe(a === b)
      expect(isEventId(a)).toBe(true)
      if (isEventId(text)) expect(text).toMatch(/^\d{1,20}-\d{1,20}$/)
    },
  })
})

it('bodies and control messages are parsed, or refused with INVALID_MESSAGE', {
  timeout: timeoutMs,
}, async () => {
  const key = fc.oneof(fc.stringMatching(/^[\w-]{1,64}$/), oddText)
  const wanted = fc.record(
    {
      path: fc.oneof(fc.constant('room'), oddText),
      input: fc.jsonValue(),
      lastEventId: fc.oneof(oddText, fc.jsonValue()),
    },
    { requiredKeys: [] },
  )
  const body = fc.record(
    {
      version: fc.oneof({ weight: 5, arbitrary: fc.constant(1) }, fc.jsonValue()),
      revision: fc.oneof(fc.nat(), fc.jsonValue()),
      connectionId: fc.oneof(oddText, fc.jsonValue()),
      subscriptions: fc.oneof(
        { weight: 5, arbitrary: fc.dictionary(key, wanted, { maxKeys: 6 }) },
        fc.jsonValue(),
      ),
    },
    { requiredKeys: ['version', 'subscriptions'] },
  )
  const json = body.map((value) => JSON.stringify(value))
  await fuzz('bodies', {
    inputs: fc.oneof(json, json.chain(cutOrChanged), oddJson),
    count: 1_000,
    check(text) {
      mayRefuse('INVALID_MESSAGE', () => {
        const request = parseMultiplexedRequest(text, { subscriptions: 5 })
        expect(Object.keys(request.subscriptions).length).toBeLessThanOrEqual(5)
        for (const [name, { path }] of Object.entries(request.subscriptions)) {
          expect(name).toMatch(/^[\w-]{1,64}$/)
          expect(typeof path).toBe('string')
        }
      })
      mayRefuse('INVALID_MESSAGE', () => parseConnectedData(text))
      mayRefuse('INVALID_MESSAGE', () => parseGapData(text))
    },
  })
})
