import { describe, expect, it } from 'vitest'
import { logKeyOf, logKeys } from './keys.ts'

const nasty = [
  '',
  '%',
  '%25',
  'a',
  'a:',
  'a}:log',
  '{a}',
  '}',
  '{',
  '{}',
  '*',
  'é',
  '😀',
  '\ud83d',
  '\ude00',
  '%ud83d',
]

describe('logKeys', () => {
  it('returns readable names', () => {
    const keys = logKeys('trpc-sse', 2, 'chat:{"room":"a b"}')
    const base = 'trpc-sse:{chat%3A%7B%22room%22%3A%22a%20b%22%7D}'
    expect(keys).toMatchObject({ log: `${base}:log`, last: `${base}:last`, live: `${base}:live:2` })
    expect(keys.idempotency('order 1')).toBe(`${base}:key:order%201`)
  })

  it('returns different names for different texts', () => {
    const names = nasty.flatMap((key) => {
      const keys = logKeys('p', 0, key)
      return [keys.log, keys.last, keys.live, ...nasty.map((text) => keys.idempotency(text))]
    })
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(nasty)('gives all names of %j one hash tag that isn’t empty', (key) => {
    const keys = logKeys('p', 0, key)
    const names = [keys.log, keys.last, keys.live, keys.idempotency('{x}')]
    // Redis's rule: the text between the first { and the next }, unless it is empty.
    expect(new Set(names.map((name) => /\{(.*?)\}/.exec(name)?.[1])).size).toBe(1)
    for (const name of names) expect(name).toMatch(/^p:\{[^{}]+\}:[^{}]+$/)
  })
})

describe('logKeyOf', () => {
  it.each(nasty)('returns %j for each of its names', (key) => {
    const keys = logKeys('p', 0, key)
    const names = [keys.log, keys.last, keys.live, keys.entries, keys.idempotency('{x}')]
    expect(names.map((name) => logKeyOf('p', name))).toEqual(names.map(() => key))
  })

  it.each(['', 'p', 'p:{a', 'p:{}:log', 'q:{a}:log', 'p:{%zz}:log', 'p:{a b}:log', 'p:{%41}:log'])(
    'returns undefined for %j, which no log has',
    (name) => {
      expect(logKeyOf('p', name)).toBeUndefined()
    },
  )
})
