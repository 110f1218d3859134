import { describe, expect, it } from 'vitest'
import { subscriptionKey } from './subscription-key.ts'

class Point {
  readonly x: number
  constructor(x: number) {
    this.x = x
  }
}

function cycle(name: string): object {
  const node: { name: string; self?: unknown } = { name }
  node.self = [node]
  return node
}

const same: ReadonlyArray<[string, unknown, unknown]> = [
  ['properties in another order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
  ['a property that is undefined, and none', { a: 1, b: undefined }, { a: 1 }],
  ['sets in another order', new Set(['a', 'b']), new Set(['b', 'a'])],
  [
    'maps in another order',
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
  ['maps whose keys are objects', new Map([[{ a: 1, b: 2 }, 1]]), new Map([[{ b: 2, a: 1 }, 1]])],
  ['dates', new Date(5), new Date(5)],
  ['cycles', cycle('a'), cycle('a')],
]

const different: readonly unknown[] = [
  'a',
  '5',
  5,
  5n,
  6n,
  0,
  -0,
  Number.NaN,
  Infinity,
  null,
  undefined,
  true,
  false,
  [],
  ['a'],
  ['a', 'b'],
  ['b', 'a'],
  ['a,b'],
  [['a'], 'b'],
  ['a', ['b']],
  {},
  { a: 1 },
  { a: '1' },
  { a: 1n },
  { 'a:1': 1 },
  { a: { b: 1 } },
  { a: null },
  new Set(),
  new Set(['a']),
  new Set(['b']),
  new Set([['a']]),
  new Map(),
  new Map([['a', 1]]),
  new Map([['a', 2]]),
  new Map([[1, 'a']]),
  new Date(5),
  new Date(6),
  new Date(Number.NaN),
  new Date(5).toJSON(),
  /a/,
  /a/g,
  new URL('https://a.example/'),
  'https://a.example/',
  new Error('a'),
  new TypeError('a'),
  new Uint8Array([1]),
  new Uint8Array([2]),
  new Uint16Array([1]),
  new Uint8Array([1]).buffer,
  new DataView(new Uint8Array([1, 2]).buffer),
  new DataView(new Uint8Array([1, 2]).buffer, 1),
  new URLSearchParams('a=1'),
  new URLSearchParams('a=2'),
  new URLSearchParams('a=1&a=2'),
  new Headers({ a: '1' }),
  new Headers({ a: '2' }),
  Object(1),
  Object(2),
  Object('1'),
  Object(true),
  new Point(1),
  new Point(2),
  { x: 1 },
  cycle('a'),
  cycle('b'),
  Symbol('a'),
]

describe('subscriptionKey', () => {
  it.each(same)('is the same for %s', (_, a, b) => {
    expect(subscriptionKey([['path'], { input: a }])).toBe(
      subscriptionKey([['path'], { input: b }]),
    )
  })

  it('differs for different values', () => {
    const keys = different.map((input) => subscriptionKey(['path', input]))
    const twice = keys.filter((key, index) => keys.indexOf(key) !== index)
    expect(twice).toEqual([])
  })
})
