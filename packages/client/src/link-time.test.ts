import { describe, expect, it } from 'vitest'
import { createInbox } from '../../../tests/support/inbox.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { requestAfter, subscribe } from '../../../tests/support/subscribe.ts'

describe('time', () => {
  it('P39: abandons an attempt that is not answered', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const silent = await server.request()
    subscribed.clock.advance(15_000)
    await silent.gone
    const message = 'No stream was open after 15000 ms.'
    expect(await subscribed.nextMany(2)).toEqual([['connecting'], ['connecting', message]])
    await requestAfter(125, subscribed, server)
  })

  it('P39: abandons an attempt that receives bytes but no connected', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server, { link: { connectTimeoutMs: 1_000 } })
    const request = await server.request()
    const [limit = 0] = subscribed.clock.timers()
    expect(limit).toBe(1_000)
    await request.openSilently().write(': wait\n\n')
    subscribed.clock.advance(1_000)
    await request.gone
    expect((await subscribed.nextMany(2))[1]?.[1]).toContain('No stream was open after 1000 ms')
  })

  it("P39: abandons an attempt if the app's headers take too long", async () => {
    await using server = await scriptedServer()
    const asked = createInbox<'asked'>()
    const headers = (): Promise<never> => {
      asked.put('asked')
      return new Promise(() => {})
    }
    const { clock, nextMany } = subscribe(server, { link: { headers } })
    await asked.take()
    clock.advance(15_000)
    expect((await nextMany(2))[1]?.[1]).toContain('No stream was open')
    await clock.due(125)
    clock.advance(125)
    await asked.take()
    expect(server.count()).toBe(0)
  })

  it('P40: abandons a stream that is silent for longer than the server announced', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const request = await server.request()
    request.open({ reconnectAfterInactivityMs: 5_000 }).send({ data: '1', id: '1-0' })
    await subscribed.nextMany(4)
    subscribed.clock.advance(4_000)
    request.send({ event: 'ping', data: '' }, { data: '2', id: '2-0' })
    await subscribed.nextMany(1)
    subscribed.clock.advance(4_999)
    expect(server.count()).toBe(1)
    subscribed.clock.advance(1)
    await request.gone
    const message = 'The connection was silent for 5000 ms.'
    expect(await subscribed.next()).toEqual(['connecting', message])
    const second = await requestAfter(125, subscribed, server)
    expect(second.query.get('lastEventId')).toBe('2-0')
  })

  it('P40: waits forever if the server announces no limit', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server)
    const request = await server.request()
    request.open()
    await subscribed.nextMany(3)
    expect(subscribed.clock.timers()).toEqual([])
  })

  it('uses inactivityTimeoutMs instead, if it is given', async () => {
    await using server = await scriptedServer()
    const subscribed = subscribe(server, { link: { inactivityTimeoutMs: 700 } })
    const request = await server.request()
    request.open({ reconnectAfterInactivityMs: 5_000 })
    await subscribed.nextMany(3)
    subscribed.clock.advance(700)
    await request.gone
  })
})
