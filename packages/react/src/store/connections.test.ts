import { describe, expect, it, vi } from 'vitest'
import { createConnections } from './connections.ts'

describe('the connection state of a page', () => {
  it('is the worst state of its subscriptions, with an error if there is one', () => {
    const { report, getState, subscribe } = createConnections()
    const listener = vi.fn()
    const leave = subscribe(listener)
    const [a, b, c] = [{}, {}, {}]
    const error = new Error('lost')
    expect(getState()).toEqual({ status: 'idle', error: null })
    report(a, { status: 'pending', error: null })
    report(b, { status: 'pending', error: null })
    expect([getState().status, listener.mock.calls.length]).toEqual(['pending', 1])
    report(b, { status: 'connecting', error: null })
    report(c, { status: 'connecting', error })
    expect(getState()).toEqual({ status: 'connecting', error })
    report(c, undefined)
    expect(getState()).toEqual({ status: 'connecting', error: null })
    leave()
    report(b, undefined)
    expect([getState().status, listener.mock.calls.length]).toEqual(['pending', 4])
    report(a, undefined)
    expect(getState().status).toBe('idle')
  })
})
