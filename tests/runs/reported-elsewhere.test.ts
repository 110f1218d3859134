/** Failures that users of other products with resumable streams have reported, tried on runs. */
import { redisBackend } from '@trpc-sse/redis'
import { type Backend, channel, createChannels, memoryBackend, run } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { heapInUse } from '../support/heap.ts'
import { type ManualClock, manualClock } from '../support/manual-clock.ts'
import { startRedis } from '../support/redis.ts'
import { collect, collectTracked, inTime, passed, settled } from '../support/runs.ts'

const params = z.object({ chatId: z.string(), runId: z.string() })
const fold = { initial: '', apply: (text: string, delta: string) => text + delta }

function createApp(options: { readonly backend: Backend; readonly clock?: ManualClock }) {
  return createChannels({
    ...options,
    channels: {
      answer: run({ params, event: z.string(), fold }),
      job: run({ params: z.string(), event: z.number() }),
      immediate: run({ params: z.string(), event: z.number(), rollupMs: 0 }),
      /** The ids of runs, to find them. */
      started: channel({ event: z.string() }),
    },
  })
}

function setup() {
  const clock = manualClock()
  return { clock, ...createApp({ backend: memoryBackend({ clock }), clock }) }
}

const own = { chatId: 'own', runId: 'a' }

// https://github.com/langchain-ai/langgraph/issues/8112
it.each(['job', 'immediate'] as const)(
  'deltas of one millisecond have ids of their own: a follower that resumes (%s) misses and repeats none',
  async (kind) => {
    const { clock, ...channels } = setup()
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const handle = channels[kind]('a')
    const early = collectTracked(handle.follow())
    const source = async function* () {
      yield* numbers
    }
    await inTime(clock, handle.produce(source))
    const deltas = (await inTime(clock, early)).filter(([, item]) => isDelta(item))
    expect(new Set(deltas.map(([id]) => id)).size).toBe(numbers.length)
    for (const [i, [lastEventId]] of deltas.entries()) {
      const rest = await inTime(clock, collect(handle.follow({ lastEventId })))
      expect(rest.filter(isDelta)).toEqual(numbers.slice(i + 1).map(toDelta))
    }
  },
)

// https://github.com/ggml-org/llama.cpp/pull/27482
it.each(['listens to its signal', 'does not'])(
  'a run that is stopped before its first delta ends at once, if its source %s',
  async (how) => {
    const { clock, answer } = setup()
    const followed = collect(answer(own).follow())
    let signalOfSource: AbortSignal | undefined
    const producing = answer(own).produce(async function* ({ signal }) {
      signalOfSource = signal
      await new Promise<void>((resolve) => {
        if (how !== 'does not') signal.addEventListener('abort', () => resolve())
      })
      yield 'too late'
    })
    await inTime(clock, passed(clock, 1_000))
    expect(signalOfSource?.aborted).toBe(false)
    await inTime(clock, answer(own).stop())
    expect(await inTime(clock, producing)).toEqual({ status: 'stopped' })
    expect(signalOfSource?.aborted).toBe(true)
    expect(await inTime(clock, followed)).toEqual([
      { type: 'fold', value: '' },
      { type: 'caught-up' },
      { type: 'end', status: 'stopped' },
    ])
  },
)

// https://github.com/cloudflare/agents/pull/1803
it('a follower that joins or resumes between the start and the first delta gets all of the run', async () => {
  const { clock, answer } = setup()
  let speak = (): void => {}
  const silence = new Promise<void>((resolve) => {
    speak = resolve
  })
  const producing = answer(own).produce(async function* () {
    await silence
    yield 'Hello'
  })
  await inTime(clock, passed(clock, 25_000))
  expect(await inTime(clock, answer(own).status())).toEqual({ status: 'running', value: '' })
  const leaving = new AbortController()
  const first = collectTracked(answer(own).follow({ signal: leaving.signal }))
  await inTime(clock, passed(clock, 500))
  leaving.abort()
  const [lastEventId = ''] = (await first).at(-1) ?? []
  const followers = [answer(own).follow(), answer(own).follow({ lastEventId })].map(collect)
  await inTime(clock, passed(clock, 500))
  speak()
  expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
  for (const items of await inTime(clock, Promise.all(followers)))
    expect(items.slice(-2)).toEqual([
      { type: 'delta', data: 'Hello' },
      { type: 'end', status: 'completed' },
    ])
})

// https://github.com/opencoredev/openchat/pull/454
it('a run whose id is published after the call of `produce` has begun for whoever finds it', async () => {
  await using redis = await startRedis()
  const own = createApp({ backend: redisBackend({ url: redis.url }) })
  const other = createApp({ backend: redisBackend({ url: redis.url }) })
  const silent = async function* ({ signal }: { readonly signal: AbortSignal }) {
    yield 'a'
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  for (const runId of ['first', 'b', 'c', 'd', 'e']) {
    const producing = own.answer({ chatId: 'own', runId }).produce(silent)
    await own.started().publish(runId)
    const { events } = await other.started().history({ last: 1 })
    const found = other.answer({ chatId: 'own', runId: `${events[0]?.data}` })
    expect((await found.status()).status).toBe('running')
    await found.stop()
    expect(await producing).toEqual({ status: 'stopped' })
  }
  await Promise.all([own.close(), other.close()])
})

// https://github.com/openai/openai-python/issues/2828
it('a run of three hours can be followed and resumed to its end, wherever it is joined', async () => {
  const { clock, answer, job } = setup()
  const source = <T>(first: T, last: T) =>
    async function* () {
      yield first
      await passed(clock, 3 * 3_600_000)
      yield last
    }
  const producing = [answer(own).produce(source('old ', 'new')), job('a').produce(source(1, 2))]
  const leaving = new AbortController()
  const early = [answer(own), job('a')].map((each) =>
    collectTracked(each.follow({ signal: leaving.signal })),
  )
  await inTime(clock, passed(clock, 1_000))
  leaving.abort()
  const [answerId = '', jobId = ''] = (await Promise.all(early)).map((items) => items.at(-1)?.[0])
  await inTime(clock, passed(clock, 2.5 * 3_600_000), 3_000)
  const late = [
    collect(answer(own).follow()),
    collect(answer(own).follow({ lastEventId: answerId })),
    collect(job('a').follow()),
    collect(job('a').follow({ lastEventId: jobId })),
  ]
  const ends = await inTime(clock, Promise.all(producing), 3_000)
  expect(ends).toEqual([{ status: 'completed' }, { status: 'completed' }])
  const [joined, resumed, ofJob, resumedJob] = await inTime(clock, Promise.all(late))
  expect(textOf(joined ?? [])).toBe('old new')
  expect(textOf(resumed ?? [])).toBe('new')
  expect(ofJob?.filter(isDelta)).toEqual([toDelta(1), toDelta(2)])
  expect(resumedJob?.filter(isDelta)).toEqual([toDelta(2)])
})

// https://github.com/superset-sh/superset/pull/5017
it('the id of a run in another chat neither follows nor stops that run', async () => {
  const { clock, answer } = setup()
  const others = answer({ chatId: 'others', runId: 'secret' })
  await inTime(clock, others.produce(words('secret')))
  const guessed = answer({ chatId: 'own', runId: 'secret' })
  expect(await inTime(clock, guessed.status())).toMatchObject({ status: 'none' })
  const leaving = new AbortController()
  const followed = collect(guessed.follow({ signal: leaving.signal }))
  await inTime(clock, guessed.stop())
  expect(JSON.stringify(await inTime(clock, followed))).not.toContain('secret')
  expect(await inTime(clock, others.status())).toEqual({ status: 'completed', value: 'secret' })
})

// https://github.com/databricks/appkit/pull/438
it('runs that have ended leave the memory of their process', async () => {
  const { clock, answer } = setup()
  const produceMany = async (round: number): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      const handle = answer({ chatId: 'own', runId: `${round}-${i}` })
      await inTime(clock, handle.produce(words(Buffer.alloc(40_000, `${i} `).toString())))
    }
    // Ten minutes after their end, they are forgotten; ten minutes later, their logs are.
    clock.advance(1_300_000)
    await settled()
  }
  await produceMany(0)
  const before = await heapInUse()
  for (let round = 1; round <= 6; round++) await produceMany(round)
  // All of these texts are 12 MB.
  expect((await heapInUse()) - before).toBeLessThan(6_000_000)
})

// https://github.com/lobehub/lobehub/pull/18805
it('a text that the source splits within characters arrives whole, through Redis', async () => {
  await using redis = await startRedis()
  const { answer, close } = createApp({ backend: redisBackend({ url: redis.url }) })
  const text = '漢字💥é👩‍👩‍👧 end'.repeat(20)
  const early = collect(answer(own).follow())
  // Half of each emoji at a time.
  expect(await answer(own).produce(words(...text.split('')))).toEqual({ status: 'completed' })
  expect(textOf(await early)).toBe(text)
  expect(textOf(await collect(answer(own).follow()))).toBe(text)
  expect((await answer(own).status()).value).toBe(text)
  await close()
})

// https://github.com/databricks/appkit/pull/438
it('runs that have ended expire in Redis when they are forgotten', async () => {
  await using redis = await startRedis()
  const { answer, job, close } = createApp({ backend: redisBackend({ url: redis.url }) })
  await answer(own).produce(words('a'))
  await job('b').stop()
  const keys = await redis.admin.keys('*')
  expect(keys.length).toBeGreaterThan(0)
  for (const key of keys) {
    const ms = await redis.admin.pttl(key)
    expect(ms, key).toBeGreaterThan(0)
    expect(ms, key).toBeLessThanOrEqual(600_000)
  }
  await close()
})

async function* words(...texts: string[]) {
  yield* texts
}

function toDelta(data: number) {
  return { type: 'delta', data }
}

function isDelta(item: unknown): boolean {
  return (item as { readonly type: string }).type === 'delta'
}

function textOf(items: readonly unknown[]): string {
  let text = ''
  for (const item of items as readonly { type: string; value: string; data: string }[]) {
    if (item.type === 'fold') text = item.value
    if (item.type === 'delta') text += item.data
  }
  return text
}
