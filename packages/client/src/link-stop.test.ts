import { describe, expect, it } from 'vitest'
import { createInbox } from '../../../tests/support/inbox.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { opening, subscribe } from '../../../tests/support/subscribe.ts'

describe('stopping', () => {
  it('closes the request, and completes as tRPC does', async () => {
    await using server = await scriptedServer()
    const { nextMany, next, unsubscribe, clock } = subscribe(server)
    const request = await server.request()
    request.open()
    await nextMany(3)
    unsubscribe()
    unsubscribe()
    await request.gone
    expect(await next()).toEqual(['complete'])
    expect(clock.timers()).toEqual([])
  })

  it('works while it connects', async () => {
    await using server = await scriptedServer()
    const { news, unsubscribe, clock } = subscribe(server)
    const request = await server.request()
    unsubscribe()
    await request.gone
    expect(news).toEqual([['connecting'], ['complete']])
    expect(clock.timers()).toEqual([])
  })

  it('works while it waits, and nothing is sent afterwards', async () => {
    await using server = await scriptedServer()
    const { news, nextMany, unsubscribe, clock } = subscribe(server)
    const request = await server.request()
    request.cut()
    await nextMany(2)
    await clock.due(125)
    unsubscribe()
    expect(clock.timers()).toEqual([])
    clock.advance(600_000)
    expect(news.map(([event]) => event)).toEqual(['connecting', 'connecting', 'complete'])
    expect(server.count()).toBe(1)
  })

  it('works while the app is still evaluating its headers', async () => {
    await using server = await scriptedServer()
    const asked = createInbox<(headers: Record<string, string>) => void>()
    const headers = (): Promise<Record<string, string>> =>
      new Promise((resolve) => asked.put(resolve))
    const { unsubscribe, clock } = subscribe(server, { link: { headers } })
    const answer = await asked.take()
    unsubscribe()
    answer({})
    expect(clock.timers()).toEqual([])
    expect(server.count()).toBe(0)
  })

  it('works in the middle of a chunk', async () => {
    await using server = await scriptedServer()
    const { news, unsubscribe } = subscribe(server, { onData: () => unsubscribe() })
    const request = await server.request()
    request.open().send({ data: '1' }, { data: '2' })
    await request.gone
    expect(news).toEqual([...opening, ['data', 1], ['complete']])
  })
})

describe('op.signal', () => {
  it('ends the subscription as tRPC ends it', async () => {
    await using server = await scriptedServer()
    const abort = new AbortController()
    const { nextMany, clock } = subscribe(server, { signal: abort.signal })
    const request = await server.request()
    request.open()
    await nextMany(3)
    abort.abort()
    expect(await nextMany(3)).toEqual([['stopped'], ['idle'], ['complete']])
    await request.gone
    expect(clock.timers()).toEqual([])
  })

  it('that is aborted already sends nothing', async () => {
    await using server = await scriptedServer()
    const { news } = subscribe(server, { signal: AbortSignal.abort() })
    expect(news).toEqual([['connecting'], ['stopped'], ['idle'], ['complete']])
    expect(server.count()).toBe(0)
  })
})
