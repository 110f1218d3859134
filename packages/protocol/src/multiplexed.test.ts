import { describe, expect, it } from 'vitest'
import { parseMultiplexedRequest } from './multiplexed.ts'

const limits = { subscriptions: 2 }
const parse = (body: unknown) => parseMultiplexedRequest(JSON.stringify(body), limits)

describe('parseMultiplexedRequest', () => {
  it('keeps the protocol’s fields, and nothing else', () => {
    const wanted = { path: 'a.b', input: { json: 1 }, lastEventId: '1-0', more: true }
    expect(
      parse({
        version: 1,
        revision: 3,
        connectionId: 'c',
        subscriptions: { k: wanted, l: { path: 'x' } },
        extra: 1,
      }),
    ).toEqual({
      version: 1,
      revision: 3,
      connectionId: 'c',
      subscriptions: {
        k: { path: 'a.b', input: { json: 1 }, lastEventId: '1-0' },
        l: { path: 'x' },
      },
    })
  })

  it('distinguishes the input null from no input', () => {
    const { subscriptions } = parse({
      version: 1,
      revision: 0,
      subscriptions: { a: { path: 'p', input: null }, b: { path: 'p' } },
    })
    expect(subscriptions).toEqual({ a: { path: 'p', input: null }, b: { path: 'p' } })
  })

  it('takes __proto__ as an ordinary key', () => {
    const body = '{"version":1,"revision":0,"subscriptions":{"__proto__":{"path":"p"}}}'
    expect(Object.keys(parseMultiplexedRequest(body, limits).subscriptions)).toEqual(['__proto__'])
  })

  it.each([
    ['more subscriptions than the limit', { a: { path: 'p' }, b: { path: 'p' }, c: { path: 'p' } }],
    ['a path that is too long', { a: { path: 'p'.repeat(2_000) } }],
    ['a key that is too long', { ['k'.repeat(65)]: { path: 'p' } }],
  ])('refuses %s', (_name, subscriptions) => {
    expect(() => parse({ version: 1, revision: 0, subscriptions })).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    )
  })
})
