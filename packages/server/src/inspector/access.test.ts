import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import type { InspectorRequest } from '../link/inspection.ts'
import { checkAccess } from './access.ts'
import { allowMs } from './bounds.ts'

interface Sent {
  readonly host?: string
  readonly peer?: string | undefined
  readonly forwardedFor?: string
  readonly createContext?: () => Promise<unknown>
}

function request({
  host = 'localhost:3000',
  peer,
  forwardedFor,
  createContext = async () => ({}),
}: Sent): InspectorRequest {
  const url = new URL(`http://${host}/~inspector`)
  return {
    method: 'GET',
    url,
    peer,
    req: new Request(url),
    header: (name) => (name === 'x-forwarded-for' ? (forwardedFor ?? null) : null),
    readBody: async () => '',
    createContext,
  }
}

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('without allow', () => {
  const isAllowed = async (sent: Sent): Promise<boolean> =>
    (await checkAccess(undefined, request(sent), manualClock())).allowed

  it.each<Sent>([
    { peer: '127.0.0.1' },
    { peer: '::1' },
    { peer: '::ffff:127.0.0.1' },
    { peer: '127.0.0.1', host: '127.0.0.1:3000' },
    { peer: '::1', host: '[::1]:3000' },
    { peer: '127.0.0.1', host: 'app.localhost' },
    { peer: '127.0.0.1', forwardedFor: '127.0.0.1, ::1' },
  ])('a request from this machine to a local name passes: %o', async (sent) => {
    expect(await isAllowed(sent)).toBe(true)
  })

  it.each<Sent>([
    { peer: '192.168.0.7' },
    { peer: '127.0.0.1', host: 'evil.example' },
    { peer: '127.0.0.1', host: 'localhost.evil.example' },
    { peer: '127.0.0.1', host: '127.0.0.1.evil.example' },
    { peer: '127.0.0.1', forwardedFor: '203.0.113.7' },
    { peer: '127.0.0.1', forwardedFor: '127.0.0.1, 203.0.113.7' },
    { peer: undefined },
  ])('any other request is refused: %o', async (sent) => {
    expect(await isAllowed(sent)).toBe(false)
  })

  // With its default settings, nginx sends this for every request that it gets from anywhere.
  it('a server that may be in production behind a proxy refuses local requests, too', async () => {
    vi.stubEnv('NODE_ENV', undefined)
    expect(await isAllowed({ peer: '127.0.0.1', host: 'localhost:3000' })).toBe(false)
    vi.stubEnv('NODE_ENV', 'staging')
    expect(await isAllowed({ peer: '127.0.0.1', host: 'localhost:3000' })).toBe(false)
    vi.stubEnv('NODE_ENV', 'development')
    expect(await isAllowed({ peer: '127.0.0.1', host: 'localhost:3000' })).toBe(true)
  })
})

describe('allow', () => {
  it.each<[string, () => unknown, () => Promise<unknown>]>([
    ['allow', () => new Promise(() => {}), async () => ({})],
    ['createContext', () => true, () => new Promise(() => {})],
  ])('refuses the request if %s never settles', async (_, allow, createContext) => {
    const clock = manualClock()
    const checking = checkAccess(allow, request({ createContext }), clock)
    clock.advance(allowMs)
    expect((await checking).allowed).toBe(false)
    expect(clock.timers()).toEqual([])
  })

  it('may reject after it was given up', async () => {
    const clock = manualClock()
    let reject = (_: Error): void => {}
    const late = new Promise((_, fail) => {
      reject = fail
    })
    const checking = checkAccess(() => late, request({}), clock)
    clock.advance(allowMs)
    await checking
    reject(new Error('late'))
    expect((await checking).allowed).toBe(false)
  })

  it('isn’t asked if createContext rejects', async () => {
    const allow = vi.fn(() => true)
    const createContext = (): Promise<never> => Promise.reject(new Error('no session'))
    const access = await checkAccess(allow, request({ createContext }), manualClock())
    expect(access.allowed).toBe(false)
    expect(allow).not.toHaveBeenCalled()
  })
})
