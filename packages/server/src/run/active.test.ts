import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../../../../tests/support/inbox.ts'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { inTime, passed as passedOn } from '../../../../tests/support/runs.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

const leaseMs = 1_000

/** Processes on one backend. A frozen one stores nothing any more. */
function setup() {
  const clock = { ...manualClock(), random: seededRandom(1) }
  const backend = memoryBackend({ clock })
  const options = {
    params: z.object({ chat: z.string(), id: z.string() }),
    event: z.string(),
    leaseMs,
    index: ({ chat }: { chat: string }) => chat,
    maxActive: 3,
  }
  const reported: unknown[] = []
  function startProcess() {
    let isFrozen = false
    let changes = 0
    const own: Backend = {
      ...backend,
      close: async () => {},
      async change(...call) {
        changes += 1
        if (isFrozen) await new Promise(() => {})
        if (!backend.change) throw new Error('The backend has no entries.')
        return await backend.change(...call)
      },
    }
    const channels = createChannels({
      backend: own,
      clock,
      channels: {
        answer: run(options),
        relay: run({ ...options, onAbandoned: 'takeOver', takeOverMs: leaseMs }),
        plain: run({ event: z.string() }),
      },
      onError: (error, { stage }) => reported.push([stage, error]),
    })
    const freeze = (): void => {
      isFrozen = true
    }
    return { channels, freeze, changes: () => changes }
  }
  const passed = (ms: number): Promise<void> => inTime(clock, passedOn(clock, ms))
  return { clock, startProcess, passed, reported }
}

/** A source that goes on until it is told to end. */
function openEnded() {
  const ending = createInbox<true>()
  return {
    end: () => ending.put(true),
    async *source() {
      yield 'a'
      await ending.take()
    },
  }
}

/** What a live subscription yields, in order. */
function watch(subscription: AsyncIterable<unknown>) {
  const news = createInbox<unknown>()
  void (async () => {
    for await (const item of subscription) news.put((item as readonly unknown[])[1])
  })()
  return news
}

const params = (id: string, chat = 'chat') => ({ chat, id })

describe('the active runs of an index', () => {
  it('are those that are running, with their params and start', async () => {
    const { clock, startProcess, passed } = setup()
    const [{ channels }, other] = [startProcess(), startProcess()]
    const { end, source } = openEnded()
    const first = channels.answer(params('1')).produce(source)
    const startedAt = clock.now()
    await passed(100)
    void other.channels.answer(params('2')).produce(openEnded().source)
    void channels.answer(params('3', 'another')).produce(openEnded().source)
    await passed(5_000)
    const listed = await other.channels.answer.active('chat').list()
    expect(listed).toEqual([
      { params: params('1'), startedAt },
      { params: params('2'), startedAt: startedAt + 100 },
    ])
    end()
    await inTime(clock, first)
    const rest = await other.channels.answer.active('chat').list()
    expect(rest.map(({ params: { id } }) => id)).toEqual(['2'])
    expect(await other.channels.answer.active('nothing').list()).toEqual([])
  })

  it('are followed: those that start or end later, on any process', async () => {
    const { clock, startProcess, passed } = setup()
    const [{ channels }, other] = [startProcess(), startProcess()]
    const one = openEnded()
    const first = channels.answer(params('1')).produce(one.source)
    const startedAt = clock.now()
    await passed(100)
    const news = watch(other.channels.answer.active('chat').live())
    expect(await inTime(clock, news.take())).toEqual({
      type: 'snapshot',
      data: [{ params: params('1'), startedAt }],
    })
    void channels.answer(params('2')).produce(openEnded().source)
    const second = { type: 'started', params: params('2'), startedAt: clock.now() }
    expect(await inTime(clock, news.take())).toEqual({ type: 'event', data: second })
    one.end()
    await inTime(clock, first)
    const ended = { type: 'ended', params: params('1') }
    expect(await inTime(clock, news.take())).toEqual({ type: 'event', data: ended })
    await channels.answer(params('2')).stop()
    expect(await inTime(clock, news.take())).toMatchObject({ data: { type: 'ended' } })
    expect(news.items).toHaveLength(4)
  })

  it('end for followers with the lease of a process that is gone', async () => {
    const { startProcess, passed } = setup()
    const [first, other] = [startProcess(), startProcess()]
    void first.channels.answer(params('1')).produce(openEnded().source)
    await passed(100)
    const news = watch(other.channels.answer.active('chat').live())
    await passed(leaseMs * 3)
    first.freeze()
    await passed(leaseMs * 2)
    expect(news.items.slice(1)).toEqual([
      { type: 'event', data: { type: 'ended', params: params('1') } },
    ])
    expect(await other.channels.answer.active('chat').list()).toEqual([])
  })

  it('stay listed, with their start, when another process takes over', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    void first.channels.relay(params('1')).produce(openEnded().source)
    const startedAt = clock.now()
    await passed(500)
    const { end, source } = openEnded()
    const producing = second.channels.relay(params('1')).produce(source)
    const news = watch(second.channels.relay.active('chat').live())
    await passed(500)
    first.freeze()
    await passed(leaseMs * 5)
    expect(await second.channels.relay.active('chat').list()).toEqual([
      { params: params('1'), startedAt },
    ])
    end()
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    await passed(100)
    expect(news.items.slice(1)).toEqual([
      { type: 'event', data: { type: 'ended', params: params('1') } },
    ])
  })

  it('are handed over with their run when channels are closed', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    void first.channels.relay(params('1')).produce(openEnded().source)
    await passed(500)
    void second.channels.relay(params('1')).produce(openEnded().source)
    const news = watch(second.channels.relay.active('chat').live())
    await inTime(clock, first.channels.close())
    await passed(leaseMs * 5)
    expect(news.items).toHaveLength(1)
  })

  it('are at most maxActive: others run unlisted, and onError is called', async () => {
    const { startProcess, passed, reported } = setup()
    const { channels } = startProcess()
    for (const id of range(1, 4)) {
      void channels.answer(params(`${id}`)).produce(openEnded().source)
      await passed(50)
    }
    await passed(leaseMs * 3)
    const listed = await channels.answer.active('chat').list()
    expect(listed.map((each) => each.params.id)).toEqual(['1', '2', '3'])
    expect((await channels.answer(params('4')).status()).status).toBe('running')
    expect(reported).toEqual([['index', expect.objectContaining({ code: 'INVALID_OPTION' })]])
    await channels.answer(params('2')).stop()
    await passed(leaseMs)
    const later = await channels.answer.active('chat').list()
    expect(later.map((each) => each.params.id)).toEqual(['1', '3', '4'])
  })

  it('cost three changes in a lease', async () => {
    const { startProcess, passed } = setup()
    const { channels, changes } = startProcess()
    const plain = startProcess()
    void channels.answer(params('1')).produce(openEnded().source)
    void plain.channels.plain().produce(openEnded().source)
    await passed(100)
    const before = changes()
    await passed(leaseMs * 10)
    // The lease itself is renewed as often.
    expect(changes() - before).toBeLessThanOrEqual(2 * 3 * 10)
  })
})

describe('bad input', () => {
  it.each(['', 'x'.repeat(257), 1, null, undefined])('%o is no index', async (index) => {
    const { channels } = setup().startProcess()
    const code = typeof index === 'string' ? 'BAD_REQUEST' : 'INVALID_OPTION'
    const refused = expect.objectContaining({ code, message: expect.stringContaining('index') })
    expect(() => channels.answer.active(index as never)).toThrow(refused)
    const bad = createChannels({
      channels: { job: run({ event: z.string(), index: () => index as never }) },
    })
    const producing = bad.job().produce(openEnded().source)
    await expect(producing).rejects.toMatchObject({ code })
    expect((await bad.job().status()).status).toBe('none')
  })

  it('has no active runs where there is no index', () => {
    const { channels } = setup().startProcess()
    expect(() => channels.plain.active('chat')).toThrow('index')
  })

  it.each([0, -1, 1.5, 1_001, Number.NaN])('maxActive can’t be %o', (maxActive) => {
    expect(() => run({ event: z.string(), maxActive })).toThrow('maxActive')
  })
})
