import { afterEach, describe, expect, it, vi } from 'vitest'
import { untypedClient } from '../../../tests/support/follow.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { subscribe } from '../../../tests/support/subscribe.ts'
import { type SseGap, sseLink } from './index.ts'

const input = { room: 'lobby' }
const message = { event: 'gap', data: '{"lastEventId":"1-0","reason":"trimmed"}', id: '5-0' }
const gap: SseGap = { path: 'room.onMessage', input, lastEventId: '1-0', reason: 'trimmed' }

afterEach(() => vi.restoreAllMocks())

describe('gap', () => {
  it('is logged in the console if it has no handler, once per subscription', async () => {
    await using server = await scriptedServer()
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const client = untypedClient(sseLink({ url: server.url, mode: 'single' }))
    for (const path of ['a', 'b']) {
      const done = new Promise<void>((onComplete) =>
        client.subscription(path, undefined, { onComplete }),
      )
      const request = await server.request()
      request.open().send(message, { ...message, id: '7-0' }, { event: 'return', data: '' })
      await done
    }
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      'a: events after 1-0 are no longer available (trimmed). Handle this with onGap.',
      'b: events after 1-0 are no longer available (trimmed). Handle this with onGap.',
    ])
  })

  it('P43: is reported once, between the events around it, to the link and to the subscription', async () => {
    await using server = await scriptedServer()
    const reported: unknown[] = []
    const own = vi.fn<(gap: SseGap) => void>()
    const { nextMany, clock } = subscribe(server, {
      input,
      context: { onGap: own },
      onData: (data) => reported.push(data),
      link: { onGap: (one) => reported.push(one) },
    })
    const first = await server.request()
    first.open().send({ data: '1', id: '1-0' }, message).end()
    await clock.due(125)
    clock.advance(125)
    const second = await server.request()
    expect(second.query.get('lastEventId')).toBe('5-0')
    second.open().send({ data: '6', id: '6-0' })
    await nextMany(8)
    expect(reported).toEqual([{ id: '1-0', data: 1 }, gap, { id: '6-0', data: 6 }])
    expect(own.mock.calls).toEqual([[gap]])
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('bug')
      },
    ],
    [
      'rejects',
      async (): Promise<never> => {
        throw new Error('bug')
      },
    ],
  ])('is reported to a handler that %s, and the stream continues', async (_how, onGap) => {
    await using server = await scriptedServer()
    const onError = vi.fn<(error: unknown, info: unknown) => void>()
    const { nextMany } = subscribe(server, { link: { onGap, onError } })
    const request = await server.request()
    request.open().send(message, { data: '6', id: '6-0' }, { event: 'return', data: '' })
    expect((await nextMany(8)).map(([event]) => event)).toEqual([
      'connecting',
      'started',
      'pending',
      'gap',
      'data',
      'stopped',
      'idle',
      'complete',
    ])
    expect(onError.mock.calls).toEqual([
      [new Error('bug'), { stage: 'onGap', path: 'room.onMessage' }],
    ])
  })

  it('that cannot be read ends the subscription', async () => {
    await using server = await scriptedServer()
    const { nextMany } = subscribe(server)
    const request = await server.request()
    request.open().send({ ...message, data: '{}' })
    const [event, error] = (await nextMany(4)).at(-1) ?? []
    expect(event).toBe('error')
    expect(error).toMatchObject({ cause: { code: 'INVALID_MESSAGE' } })
  })
})
