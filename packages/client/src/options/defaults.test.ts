import { systemClock } from '@trpc-sse/protocol'
import { expect, it, vi } from 'vitest'
import { sseLink } from '../link.ts'
import { streamSettings } from './defaults.ts'

it('keeps a process alive that only waits for the next attempt', () => {
  const setTimer = vi.spyOn(globalThis, 'setTimeout')
  const cancel = streamSettings({ url: '/trpc' }).clock.after(60_000, () => {})
  const timer = setTimer.mock.results[0]?.value
  expect(timer?.hasRef()).toBe(true)
  cancel()
  setTimer.mockRestore()
})

it('uses the given clock, fetch and times', () => {
  const fetch = async (): Promise<Response> => new Response()
  const given = {
    clock: systemClock,
    fetch,
    retry: { baseMs: 1, maxMs: 2 },
    connectTimeoutMs: 3,
    inactivityTimeoutMs: 4,
    hiddenTimeoutMs: 5,
    device: { isOffline: () => false, listen: () => () => {} },
  }
  expect(streamSettings({ url: '/trpc', ...given })).toEqual(given)
})

it('has defaults', () => {
  expect(streamSettings({ url: '/trpc', retry: { maxMs: 5_000 } })).toMatchObject({
    retry: { baseMs: 250, maxMs: 5_000 },
    connectTimeoutMs: 15_000,
    inactivityTimeoutMs: undefined,
  })
})

it.each([
  { connectTimeoutMs: 0 },
  { connectTimeoutMs: Number.NaN },
  { inactivityTimeoutMs: -1 },
  { retry: { baseMs: 0 } },
  { retry: { maxMs: -5 } },
])('refuses %j', (options) => {
  expect(() => streamSettings({ url: '/trpc', ...options })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

it.each([{}, { url: undefined }, { url: '' }, { url: null }, { url: 5 }])(
  'refuses %j, which has no url, and says what to pass',
  (options) => {
    expect(() => sseLink(options as never)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringContaining('give the address of the tRPC endpoint'),
      }),
    )
  },
)
