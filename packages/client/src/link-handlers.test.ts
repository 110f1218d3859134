import { TRPCClientError } from '@trpc/client'
import { describe, expect, it, vi } from 'vitest'
import { follow } from '../../../tests/support/follow.ts'
import { createInbox } from '../../../tests/support/inbox.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { subscribe } from '../../../tests/support/subscribe.ts'

describe('a handler that throws', () => {
  const thrown = new Error('bug in the app')
  const fail = (): never => {
    throw thrown
  }

  it.each(['onData', 'onStarted'] as const)(
    'in %s reaches onError and ends that subscription',
    async (name) => {
      await using server = await scriptedServer()
      const broken = subscribe(server, { [name]: fail })
      const request = await server.request()
      const healthy = follow(broken.client, 'other')
      const other = await server.request()
      request.open().send({ data: '1' }, { data: '2' })
      await request.gone
      const error = broken.news.at(-1)?.[1]
      expect(error).toBeInstanceOf(TRPCClientError)
      expect(error).toMatchObject({ message: 'bug in the app', cause: thrown })
      expect(broken.news.filter(([event]) => event === 'data').length).toBe(
        name === 'onData' ? 1 : 0,
      )
      other.open().send({ data: '1' })
      expect((await healthy.nextMany(4)).at(-1)).toEqual(['data', 1])
      expect(server.count()).toBe(2)
    },
  )

  it.each([
    ['onError', { onData: fail, onError: fail }],
    ['onComplete', { onComplete: fail }],
  ] as const)('in %s is reported to the onError of the link', async (stage, handlers) => {
    await using server = await scriptedServer()
    const reported = createInbox<unknown[]>()
    const { clock } = subscribe(server, {
      ...handlers,
      link: { onError: (...args) => reported.put(args) },
    })
    const request = await server.request()
    request.open().send({ data: '1' }, { event: 'return', data: '' })
    expect(await reported.take()).toEqual([thrown, { stage, path: 'room.onMessage' }])
    await request.gone
    expect(clock.timers()).toEqual([])
  })

  it('is passed to the runtime if the link has no onError', async () => {
    await using server = await scriptedServer()
    const reported = createInbox<unknown>()
    vi.stubGlobal('reportError', reported.put)
    subscribe(server, { onData: fail, onError: fail })
    const request = await server.request()
    request.open().send({ data: '1' })
    expect(await reported.take()).toBe(thrown)
    vi.unstubAllGlobals()
  })
})
