import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { initTRPC, TRPCError } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { traceLink } from '@trpc-sse/client/trace'
import type { Trace, TraceStep } from '@trpc-sse/protocol'
import { channel, createChannels } from '@trpc-sse/server'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { follow, untypedClient } from '../support/follow.ts'
import { openRaw, subscriptionUrl } from '../support/http.ts'
import { serveRouter } from '../support/router-server.ts'
import { recordSteps, type Step, stepsNamed } from './recorder.ts'

const t = initTRPC.create()

/** An app with rooms, and a client. */
async function setup(trace: Trace | undefined, clientTrace?: Trace) {
  const stack = new AsyncDisposableStack()
  const channels = createChannels({
    channels: {
      room: channel({
        params: z.object({ id: z.string() }),
        event: z.object({ text: z.string() }),
        retain: { events: 4 },
      }),
    },
    onError() {},
    ...(trace && { trace }),
  })
  stack.defer(() => channels.close())
  const router = t.router({
    onMessage: t.procedure
      .input(z.object({ id: z.string() }))
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
    onFailure: t.procedure.subscription(async function* () {
      await Promise.resolve()
      yield 'one'
      throw new TRPCError({ code: 'FORBIDDEN', message: 'not you' })
    }),
  })
  const server = stack.use(
    await serveRouter(router, { channels, limits: { connectionsPerAddress: 2 } }),
  )
  const link = { url: server.url, retry: { baseMs: 1 } }
  const tracing = clientTrace ? [traceLink(clientTrace)] : []
  const client = untypedClient(...tracing, sseLink(link))
  const room = channels.room({ id: 'a' })
  return { client, room, server, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const error = {
  cause: new Error('no disk'),
  throw(): never {
    throw this.cause
  },
  async reject(): Promise<never> {
    throw this.cause
  },
}

const names = (steps: readonly Step[]): TraceStep[] => steps.map(([name]) => name)
const log = { channel: 'room', log: '["room",{"id":"a"}]' }

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

describe('trace', () => {
  it('reports each step of an event, from publish to the handler', async () => {
    const { steps, trace } = recordSteps()
    await using app = await setup(trace, trace)
    const followed = follow(app.client, 'onMessage', { id: 'a' })
    await followed.nextMany(3)
    const before = steps.length
    const { id } = await app.room.publish({ text: 'hello' })
    await followed.next()
    const way = steps.slice(before)
    // The memory backend notifies before `publish` resolves.
    expect(names(way).toSorted()).toEqual(
      ['delivered', 'framed', 'heard', 'received', 'sent', 'stored', 'windowed'].toSorted(),
    )
    const after = names(way).filter((name) => name !== 'stored')
    expect(after).toEqual(['heard', 'windowed', 'framed', 'sent', 'received', 'delivered'])
    const [opened] = stepsNamed(steps, 'opened')
    const subscription = { stream: opened?.stream, key: expect.any(String), path: 'onMessage' }
    const [bytes, subscribedAt] = [expect.any(Number), expect.any(Number)]
    const call = { path: 'onMessage', input: { id: 'a' }, data: { text: 'hello' }, subscribedAt }
    const [stored] = stepsNamed(way, 'stored')
    expect(stored).toEqual({
      ...log,
      ids: [id],
      characters: '{"text":"hello"}'.length,
      duplicate: false,
      tookMs: expect.any(Number),
    })
    expect(stepsNamed(way, 'heard')).toEqual([{ ...log, id }])
    expect(stepsNamed(way, 'windowed')).toEqual([{ ...log, id, source: 'notification' }])
    expect(stepsNamed(way, 'framed')).toEqual([{ id, bytes, subscribedAt }])
    expect(stepsNamed(way, 'sent')).toEqual([{ ...subscription, id, bytes }])
    expect(stepsNamed(way, 'received')).toEqual([{ ...call, id }])
    expect(stepsNamed(way, 'delivered')).toEqual([{ ...call, id }])
  })

  it('reports streams and subscriptions, from their start to their end', async () => {
    const { steps, trace } = recordSteps()
    await using app = await setup(trace)
    const followed = follow(app.client, 'onMessage', { id: 'a' })
    await followed.nextMany(3)
    const [opened] = stepsNamed(steps, 'opened')
    const stream = opened?.stream
    expect(opened).toEqual({ stream: expect.any(Number), key: undefined })
    const reads = stepsNamed(steps, 'read').filter(({ channel }) => channel === 'room')
    expect(reads).toMatchObject([{ ...log, cause: 'open', events: 0 }])
    expect(stepsNamed(steps, 'started')).toMatchObject([{ stream, path: 'onMessage' }])
    app.server.link.disconnect(() => true)
    await vi.waitFor(() => expect(stepsNamed(steps, 'closed')).toHaveLength(1))
    expect(stepsNamed(steps, 'moved')).toEqual([{ stream, reason: 'disconnect' }])
    expect(stepsNamed(steps, 'ended')).toMatchObject([{ stream, path: 'onMessage' }])
    followed.unsubscribe()
  })

  it('reports a gap to the server and to the client', async () => {
    const { steps, trace } = recordSteps()
    const client = recordSteps()
    await using app = await setup(trace, client.trace)
    const { id: lastEventId } = await app.room.publish({ text: '0' })
    for (let n = 1; n < 9; n++) await app.room.publish({ text: String(n) })
    const followed = follow(app.client, 'onMessage', { id: 'a', lastEventId })
    await vi.waitFor(() => expect(stepsNamed(client.steps, 'delivered')).toHaveLength(4))
    const gap = { path: 'onMessage', reason: 'trimmed', lastEventId }
    expect(stepsNamed(steps, 'gap')).toMatchObject([gap])
    expect(stepsNamed(client.steps, 'gap')).toEqual([{ ...gap, input: { id: 'a', lastEventId } }])
    followed.unsubscribe()
  })

  it('reports what is refused, what fails, and that a client tries again', async () => {
    const { steps, trace } = recordSteps()
    const client = recordSteps()
    await using app = await setup(trace, client.trace)
    await expect(app.room.publish({ text: 1 } as never)).rejects.toMatchObject({
      code: 'INVALID_EVENT',
    })
    expect(stepsNamed(steps, 'refused')).toMatchObject([{ code: 'INVALID_EVENT', channel: 'room' }])
    const followed = follow(app.client, 'onFailure')
    await vi.waitFor(() => expect(stepsNamed(client.steps, 'failed')).toHaveLength(1))
    const failed = { code: 'FORBIDDEN', message: 'not you', path: 'onFailure' }
    expect(stepsNamed(steps, 'failed')).toMatchObject([failed])
    expect(stepsNamed(client.steps, 'failed')).toMatchObject([{ path: 'onFailure' }])
    followed.unsubscribe()
    const open = await Promise.all(
      ['a', 'b'].map((id) => openRaw(`${app.server.url}/onMessage?input={"id":"${id}"}`)),
    )
    follow(app.client, 'onMessage', { id: 'c' })
    await vi.waitFor(() => expect(stepsNamed(client.steps, 'reconnecting')).not.toEqual([]))
    const limit = 'connectionsPerAddress'
    expect(stepsNamed(steps, 'refused').at(-1)).toMatchObject({ code: 'TOO_MANY_REQUESTS', limit })
    for (const stream of open) stream.leave()
  })

  it.each([
    ['single', (url: string) => openRaw(subscriptionUrl(url, 'onMessage', { input: { id: 'a' } }))],
    [
      'multiplexed',
      (url: string) =>
        openRaw(`${url}/~sse`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            version: 1,
            revision: 1,
            subscriptions: { a: { path: 'onMessage', input: { id: 'a' } } },
          }),
        }),
    ],
  ])('reports the size of events on the wire, in %s mode', async (_, open) => {
    const { steps, trace } = recordSteps()
    await using app = await setup(trace)
    const stream = await open(app.server.url)
    await vi.waitFor(() => expect(stepsNamed(steps, 'started')).toHaveLength(1))
    await app.room.publishMany(['hello', 'two\nlines', 'h\u00e9llo'].map((text) => ({ text })))
    await vi.waitFor(() =>
      expect(stream.messages.filter(({ data }) => data.includes('"text"'))).toHaveLength(3),
    )
    stream.leave()
    const { text } = await stream.over
    const frames = text.split(/(?<=\n\n)/).filter((frame) => frame.includes('"text"'))
    expect(stepsNamed(steps, 'sent').map(({ bytes }) => bytes)).toEqual(
      frames.map(({ length }) => length),
    )
  })

  it('reports a client that is behind, and when it has caught up', async () => {
    const { steps, trace } = recordSteps()
    await using app = await setup(trace)
    const stream = await openRaw(`${app.server.url}/onMessage?input={"id":"a"}`)
    await vi.waitFor(() => expect(stepsNamed(steps, 'started')).toHaveLength(1))
    stream.pause()
    const text = 'x'.repeat(60_000)
    while (stepsNamed(steps, 'behind').length === 0) await app.room.publish({ text })
    const [behind] = stepsNamed(steps, 'behind')
    expect(behind).toMatchObject({ path: 'onMessage' })
    expect(behind?.bytesWaiting).toBeGreaterThan(131_072)
    expect(stepsNamed(steps, 'caught-up')).toEqual([])
    stream.resume()
    await vi.waitFor(() => expect(stepsNamed(steps, 'caught-up')).toHaveLength(1))
    stream.leave()
  })

  it.each([
    ['throws', () => error.throw()],
    ['rejects', () => error.reject()],
  ])('continues when the function %s', async (_, trace) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const uncaught = vi.fn()
    vi.stubGlobal('reportError', uncaught)
    await using app = await setup(trace, trace)
    const followed = follow(app.client, 'onMessage', { id: 'a' })
    await followed.nextMany(3)
    await app.room.publish({ text: 'hello' })
    expect((await followed.next())[0]).toBe('data')
    expect(logged).toHaveBeenCalledWith('trpc-sse: trace failed', error.cause)
    expect(uncaught).toHaveBeenCalledWith(error.cause)
    followed.unsubscribe()
  })

  it('is published to node:diagnostics_channel, for everybody in the process', async () => {
    const seen: unknown[] = []
    const onStep = (message: unknown): void => void seen.push(message)
    subscribe('trpc-sse:trace', onStep)
    await using app = await setup(undefined)
    const { id } = await app.room.publish({ text: 'hello' })
    expect(seen).toMatchObject([{ step: 'stored', facts: { ...log, ids: [id] } }])
    unsubscribe('trpc-sse:trace', onStep)
    await app.room.publish({ text: 'again' })
    expect(seen).toHaveLength(1)
  })
})
