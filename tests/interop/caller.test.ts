import { initTRPC, isTrackedEnvelope, TRPCError } from '@trpc/server'
import { channel, createChannels, merge } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { range } from '../support/numbers.ts'

const t = initTRPC.create()

function createApp(retain = 1_000) {
  const gaps: unknown[] = []
  const channels = createChannels({
    channels: {
      log: channel({ event: z.number(), retain: { events: retain } }),
      other: channel({ event: z.number() }),
    },
    onError: (error) => gaps.push(error),
  })
  const router = t.router({
    log: t.procedure
      .input(z.object({ lastEventId: z.string().optional() }).optional())
      .subscription((opts) => channels.log().subscribe(opts)),
    stripped: t.procedure
      .input(z.object({ room: z.string() }))
      .subscription((opts) => channels.log().subscribe(opts)),
    replayed: t.procedure.subscription((opts) => channels.log().subscribe({ ...opts, replay: 2 })),
    strict: t.procedure
      .input(z.object({ lastEventId: z.string() }))
      .subscription((opts) => channels.log().subscribe({ ...opts, onGap: 'error' })),
    merged: t.procedure.subscription((opts) =>
      merge([
        channels.log().subscribe({ ...opts, replay: 'all' }),
        channels.other().subscribe(opts),
      ]),
    ),
  })
  return { channels, router, gaps }
}

/** Reads `count` events, and ends the iteration as a `break` does. */
async function read(
  iterable: AsyncIterable<unknown>,
  count: number,
): Promise<Array<[string, unknown]>> {
  const events: Array<[string, unknown]> = []
  for await (const event of iterable) {
    if (!isTrackedEnvelope(event)) throw new Error('not tracked')
    events.push([event[0], event[1]])
    if (events.length === count) break
  }
  return events
}

describe('createCaller', () => {
  it('iterates a channel, and resumes it by the id in the input', async () => {
    const { channels, router } = createApp()
    const published = await channels.log().publishMany(range(1, 5))
    const caller = router.createCaller({})
    const first = await read(await caller.replayed(), 2)
    expect(first).toEqual(published.slice(3).map(({ id }, index) => [id, 4 + index]))
    const lastEventId = published[1]?.id
    expect((await read(await caller.log({ lastEventId }), 3)).map(([, n]) => n)).toEqual([3, 4, 5])
    await channels.close()
  })

  it('resumes by an id that the schema has stripped', async () => {
    const { channels, router } = createApp()
    const published = await channels.log().publishMany(range(1, 5))
    const input = { room: 'a', lastEventId: published[2]?.id }
    const events = await read(await router.createCaller({}).stripped(input), 2)
    expect(events.map(([, n]) => n)).toEqual([4, 5])
    await channels.close()
  })

  it('ends when its signal aborts', async () => {
    const { channels, router } = createApp()
    const abort = new AbortController()
    const iterable = await router.createCaller({}, { signal: abort.signal }).log()
    const done = read(iterable as AsyncIterable<unknown>, 1)
    abort.abort()
    expect(await done).toEqual([])
    await channels.close()
  })

  it('resumes merged channels by one id', async () => {
    const { channels, router } = createApp()
    await channels.log().publishMany(range(1, 3))
    const [[lastEventId] = ['']] = await read((await router.createCaller({}).merged()) as never, 1)
    await channels.other().publish(100)
    const resumed = merge([
      channels.log().subscribe({ lastEventId }),
      channels.other().subscribe({ lastEventId }),
    ])
    expect((await read(resumed, 3)).map(([, n]) => n).sort()).toEqual([100, 2, 3])
    await channels.close()
  })

  it.each([['nonsense'], ['1-0,2-0'], ['abc=1-0'], ['9'.repeat(50)]])(
    'answers BAD_REQUEST for the lastEventId %s',
    async (lastEventId) => {
      const { channels, router } = createApp()
      const events = read((await router.createCaller({}).log({ lastEventId })) as never, 1)
      await expect(events).rejects.toBeInstanceOf(TRPCError)
      await expect(events).rejects.toMatchObject({ code: 'BAD_REQUEST' })
      await channels.close()
    },
  )

  it('P22: reports a gap to onError of the channels, or ends with PRECONDITION_FAILED', async () => {
    const { channels, router, gaps } = createApp(2)
    const [first] = await channels.log().publishMany(range(1, 5))
    const lastEventId = first?.id ?? ''
    const events = await read((await router.createCaller({}).log({ lastEventId })) as never, 2)
    expect(events.map(([, n]) => n)).toEqual([4, 5])
    expect(gaps).toEqual([expect.objectContaining({ code: 'GAP' })])
    const strict = read((await router.createCaller({}).strict({ lastEventId })) as never, 1)
    await expect(strict).rejects.toMatchObject({
      code: 'PRECONDITION_FAILED',
      cause: { code: 'GAP' },
    })
    await channels.close()
  })
})
