import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channel, createChannels } from '../index.ts'
import { findJsonLoss } from './json-loss.ts'

class Money {
  readonly #cents: number
  constructor(cents: number) {
    this.#cents = cents
  }
  get amount(): number {
    return this.#cents / 100
  }
}

class Decimal {
  readonly digits: unknown
  constructor(digits: unknown) {
    this.digits = digits
  }
  toJSON(): unknown {
    return this.digits
  }
}

const cycle: { self?: unknown } = {}
cycle.self = cycle

const lost: ReadonlyArray<[string, unknown]> = [
  ['NaN', Number.NaN],
  ['-Infinity', -Infinity],
  ['a bigint', 1n],
  ['a function', () => 5],
  ['a symbol', Symbol('a')],
  ['an invalid Date', new Date(Number.NaN)],
  ['an instance of Map', new Map([['a', 1]])],
  ['an instance of Set', new Set(['a'])],
  ['an instance of Uint8Array', new Uint8Array(2)],
  ['an instance of ArrayBuffer', new ArrayBuffer(2)],
  ['an instance of RegExp', /a/],
  ['an instance of Error', new Error('a')],
  ['an instance of Promise', Promise.resolve(5)],
  ['an instance of Money', new Money(5)],
  ['an instance of Map', new Decimal(new Map())],
  ['NaN', new Decimal(Number.NaN)],
]

const kept: ReadonlyArray<[string, unknown]> = [
  ['text, numbers, booleans and null', ['', 'ä\u2028', -1.5, 0, true, null]],
  ['a property that is undefined', { a: undefined }],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['an object of another realm', runInNewContext('({ a: [{ b: 1 }] })')],
  ['a Date, read as its text', new Date(0)],
  ['a URL, read as its text', new URL('https://example.com/')],
  ['a Buffer, read as its JSON', Buffer.from('a')],
  ['a class that has a toJSON', new Decimal('1.5')],
  ['999 levels', JSON.parse('['.repeat(999) + ']'.repeat(999))],
]

describe('an event without a transformer', () => {
  it.each(lost)('is refused with the path if it has %s', async (what, value) => {
    expect(findJsonLoss(value)).toEqual({ path: [], what })
    const channels = createChannels({ channels: { any: channel({ event: z.any() }) } })
    const any = channels.any()
    const events: ReadonlyArray<[unknown, string]> = [
      [{ list: [0, { value }] }, 'list.1.value'],
      [[[value]], '0.0'],
    ]
    for (const [event, path] of events) {
      await expect(any.publish(event)).rejects.toMatchObject({
        code: 'INVALID_EVENT',
        message: expect.stringContaining(`${what} at ${path}`),
        issues: [
          { path: path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)) },
        ],
      })
    }
    await expect(any.publishMany([5, value])).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    expect((await any.history({ last: 5 })).events).toEqual([])
    await channels.close()
  })

  it.each([
    ['undefined in a list', [undefined]],
    ['a hole in a list', new Array(1)],
    ['itself', cycle],
    ['too many levels', JSON.parse('['.repeat(2_000) + ']'.repeat(2_000))],
  ])('is refused if it has %s', async (_, event) => {
    const channels = createChannels({ channels: { any: channel({ event: z.any() }) } })
    await expect(channels.any().publish(event)).rejects.toMatchObject({ code: 'INVALID_EVENT' })
    await channels.close()
  })

  it.each(kept)('may have %s', async (_, event) => {
    expect(findJsonLoss(event)).toBeUndefined()
    const channels = createChannels({ channels: { any: channel({ event: z.any() }) } })
    await channels.any().publish(event)
    const { events } = await channels.any().history({ last: 1 })
    expect(events[0]?.data).toEqual(JSON.parse(JSON.stringify(event)))
    await channels.close()
  })
})

describe('an event with a transformer', () => {
  it('may have any value that the transformer supports', async () => {
    const transformer = {
      serialize: (value: unknown) => ({ map: [...(value as Map<string, number>)] }),
      deserialize: ({ map }: { map: Array<[string, number]> }) => new Map(map),
    }
    const channels = createChannels({ transformer, channels: { any: channel({ event: z.any() }) } })
    const map = new Map([['a', 1]])
    await channels.any().publish(map)
    expect((await channels.any().history({ last: 1 })).events[0]?.data).toEqual(map)
    await channels.close()
  })
})
