import { describe, expect, it } from 'vitest'
import { scopeOf as scope } from './scope.ts'

describe('a group of tabs that share a stream', () => {
  it('has the same address, connection params and headers', () => {
    const ada = scope('/trpc/~sse?connectionParams=1', { authorization: 'ada', accept: 'x' })
    expect(scope('/trpc/~sse?connectionParams=1', { Accept: 'x', Authorization: 'ada' })).toBe(ada)
    expect(scope('/trpc/~sse?connectionParams=2', { authorization: 'ada', accept: 'x' })).not.toBe(
      ada,
    )
    expect(scope('/other/~sse?connectionParams=1', { authorization: 'ada', accept: 'x' })).not.toBe(
      ada,
    )
    expect(scope('/trpc/~sse?connectionParams=1', { authorization: 'eve', accept: 'x' })).not.toBe(
      ada,
    )
    expect(scope('/trpc/~sse?connectionParams=1', { accept: 'x' })).not.toBe(ada)
  })

  it('has the same address and identity, if there is one', () => {
    const ada = scope('/trpc/~sse?connectionParams=1', { authorization: 'token 1' }, 'ada')
    expect(scope('/trpc/~sse?connectionParams=2', { authorization: 'token 2' }, 'ada')).toBe(ada)
    expect(scope('/trpc/~sse', {}, 'eve')).not.toBe(ada)
    expect(scope('/trpc/~sse', {}, '')).not.toBe(scope('/trpc/~sse', {}))
    expect(scope('/other/~sse', {}, 'ada')).not.toBe(ada)
  })

  it('has a name that reveals nothing', () => {
    expect(scope('/trpc/~sse', { authorization: 'secret' })).toMatch(/^trpc-sse:\d+:[0-9a-z]{16,}$/)
  })
})
