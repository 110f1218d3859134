import { describe, expect, it } from 'vitest'
import { errorText, maxPreviewLength, preview } from './preview.ts'

const circular: { self?: unknown } = {}
circular.self = circular

/** Names the cases by what is expected: not all values can be part of a name. */
function cases(all: readonly (readonly [unknown, string])[]) {
  return all.map(([value, expected]) => ({ value, expected }))
}

describe('a preview', () => {
  it.each(
    cases([
      [undefined, 'undefined'],
      [null, 'null'],
      [-0, '-0'],
      [Number.NaN, 'NaN'],
      [true, 'true'],
      [12n, '12n'],
      [2n ** 100_000n, '(more than 300 digits)n'],
      ['a "quote"', '"a \\"quote\\""'],
      ['<b>', '"<b>"'],
      [Symbol('s'), 'Symbol(s)'],
      [() => {}, 'function'],
      [[1, [2, 'three'], undefined], '[1, [2, "three"], undefined]'],
      [new Array(2), '[undefined, undefined]'],
      [{ a: 1, 'b c': { d: null } }, '{ a: 1, "b c": { d: null } }'],
      [{}, '{ }'],
      [Object.create(null), '{ }'],
      [new Date(0), '1970-01-01T00:00:00.000Z'],
      [new Date(Number.NaN), 'Invalid Date'],
      [new Map([[1, 2]]), 'Map(1)'],
      [new Set([1, 2]), 'Set(2)'],
      [new Uint8Array(5), 'bytes(5)'],
      [new Error('broken'), 'broken'],
      [circular, '{ self: (circular) }'],
      [[[[[[[]]]]]], '[[[[[[…]]]]]]'],
    ]),
  )('can be $expected', ({ value, expected }) => {
    expect(preview(value)).toBe(expected)
  })

  it('runs no code of the value', () => {
    const hostile = {
      get bad(): never {
        throw new Error('called')
      },
      toString: 1,
      toJSON() {
        throw new Error('called')
      },
    }
    expect(preview(hostile)).toBe('{ bad: (getter), toString: 1, toJSON: function }')
  })

  it('of an object that throws from everything says so', () => {
    const fail = (): never => {
      throw new Error('called')
    }
    const handler = { getPrototypeOf: fail, ownKeys: fail, get: fail, has: fail }
    expect(preview({ ok: 1, bad: new Proxy({}, handler) })).toBe('{ ok: 1, bad: (unreadable) }')
  })

  it.each([
    ['a string', 'x'.repeat(5_000_000)],
    ['an array', new Array(5_000_000).fill(1)],
    ['a sparse array', new Array(2 ** 32 - 1)],
    ['many strings', { all: new Array(10_000).fill('x'.repeat(10_000)) }],
    ['long names', { ['n'.repeat(1_000_000)]: 1 }],
    ['an error', new Error('x'.repeat(1_000_000))],
  ])('of %s that is huge is short', (_, value) => {
    expect(preview(value).length).toBeLessThan(maxPreviewLength + 50)
  })

  it('of a huge string says how long it is', () => {
    expect(preview({ text: 'x'.repeat(2_000) })).toMatch(/^\{ text: "x+… \(2000 characters\)/)
  })
})

describe('the text of an error', () => {
  it('has its first cause', () => {
    const cause = new TypeError('Failed to fetch')
    const lost = new Error('The connection failed.', { cause })
    expect(errorText(new Error('The connection failed.', { cause: lost }))).toBe(
      'The connection failed. Cause: Failed to fetch',
    )
    expect(errorText(new Error('same', { cause: new Error('same') }))).toBe('same')
  })

  it.each(
    cases([
      ['a string', '"a string"'],
      [undefined, 'undefined'],
      [
        Object.defineProperty(new Error(), 'message', { get: () => Symbol.iterator }),
        'Symbol(Symbol.iterator)',
      ],
      [
        Object.defineProperty(new Error(), 'message', {
          get() {
            throw new Error('called')
          },
        }),
        '(unreadable)',
      ],
    ]),
  )('can be $expected', ({ value: error, expected }) => {
    expect(errorText(error)).toBe(expected)
  })

  it('ends though its causes are a cycle', () => {
    const error = new Error('again')
    error.cause = error
    expect(errorText(error)).toBe('again')
  })
})
