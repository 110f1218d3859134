import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { range } from '../../../../tests/support/numbers.ts'
import {
  collect,
  collectContent,
  inTime,
  passed as passedOn,
  scriptedSource,
  settled,
} from '../../../../tests/support/runs.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

const leaseMs = 1_000
const fold = { initial: '', apply: (text: string, delta: string) => text + delta }
const listFold = {
  initial: [] as string[],
  apply: (list: string[], delta: string) => [...list, delta],
}

/** An error of a backend that was built with another copy of the packages. */
const unavailable = Object.assign(new Error('No answer.'), {
  name: 'RealtimeError',
  code: 'BACKEND_UNAVAILABLE',
  retryable: true,
})

/** Processes on one backend. Each can be frozen: then nothing that it stores arrives. */
function setup() {
  // Each producer needs a token of its own.
  const clock = { ...manualClock(), random: seededRandom(1) }
  const backend = memoryBackend({ clock })
  const options = {
    event: z.string(),
    leaseMs,
    onAbandoned: 'takeOver',
    takeOverMs: leaseMs,
  } as const
  function startProcess() {
    let frozen: Promise<void> | undefined
    let thaw = (): void => {}
    let isUnavailable = false
    const ownBackend: Backend = {
      ...backend,
      close: async () => {},
      async entries(...call) {
        if (isUnavailable) throw unavailable
        if (!backend.entries) throw new Error('The backend has no entries.')
        return await backend.entries(...call)
      },
      async change(...call) {
        await frozen
        if (!backend.change) throw new Error('The backend has no entries.')
        return await backend.change(...call)
      },
    }
    const channels = createChannels({
      backend: ownBackend,
      clock,
      channels: {
        answer: run({ ...options, fold }),
        short: run({ ...options, fold, retainEvents: 4, rollupMs: 0 }),
        list: run({ ...options, fold: listFold, rollupMs: 0 }),
        job: run(options),
      },
    })
    return {
      channels,
      setUnavailable(value: boolean) {
        isUnavailable = value
      },
      thaw: () => thaw(),
      freeze() {
        frozen = new Promise((resolve) => {
          thaw = resolve
        })
      },
    }
  }
  const passed = (ms: number): Promise<void> => inTime(clock, passedOn(clock, ms))
  return { clock, startProcess, passed }
}

describe('a run with onAbandoned takeOver', () => {
  it.each([
    ['answer', 'ab'],
    ['short', 'ab'],
    ['job', undefined],
  ] as const)('%s is continued by a producer that waits', async (kind, value) => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    const following = collectContent(second.channels[kind]().follow())
    void first.channels[kind]().produce(one.source)
    one.say('a', 'b')
    await passed(500)
    const producing = second.channels[kind]().produce(two.source)
    two.say('c', 'd')
    await passed(5_000)
    expect(two.starts).toEqual([])
    first.freeze()
    one.say('lost')
    await passed(leaseMs * 1.5)
    expect(two.starts).toEqual([{ value, deltas: 2 }])
    expect((await second.channels[kind]().status()).status).toBe('running')
    two.say(undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    const items = (await inTime(clock, following)) as { value: string; data: string }[]
    expect(items.map((item) => item.value ?? item.data).join('')).toBe('abcd')
  })

  it('has one producer that waits in each process, however often it is produced', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    void first.channels.answer().produce(one.source)
    one.say('a')
    await passed(500)
    const waiting = second.channels.answer().produce(two.source)
    await passed(500)
    const others = range(1, 5).map(() => second.channels.answer().produce(scriptedSource().source))
    expect(await inTime(clock, Promise.all(others))).toEqual(
      range(1, 5).map(() => ({ status: 'alreadyRunning' })),
    )
    first.freeze()
    await passed(leaseMs * 1.5)
    two.say(undefined)
    expect(await inTime(clock, waiting)).toEqual({ status: 'completed' })
    expect(await second.channels.answer().produce(one.source)).toEqual({ status: 'alreadyEnded' })
  })

  it('ends once if it is abandoned at the moment at which it is stopped', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const { source, say } = scriptedSource()
    void first.channels.job().produce(source)
    say('a')
    await passed(500)
    first.freeze()
    await passed(leaseMs * 1.2)
    second.freeze()
    const stopping = second.channels.job().stop()
    await passed(leaseMs * 2)
    second.thaw()
    expect(await inTime(clock, stopping)).toEqual({ status: 'abandoned' })
    expect((await second.channels.job().status()).status).toBe('abandoned')
  })

  it('fails if its value can’t be stored, as another producer would fail too', async () => {
    const sum = run({
      event: z.string(),
      fold: { initial: 0, apply: () => 1n as never },
      onAbandoned: 'takeOver',
    })
    const channels = createChannels({ channels: { sum } })
    const result = await channels.sum().produce(async function* () {
      yield 'x'.repeat(5_000)
    })
    expect(result).toMatchObject({ status: 'failed', error: { code: 'INVALID_EVENT' } })
    await channels.close()
  })

  it('isn’t affected by a source that changes the value that it resumes from', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    void first.channels.list().produce(one.source)
    one.say('a')
    await passed(500)
    const producing = second.channels.list().produce(async function* (options) {
      options.resumeFrom?.value.push('not a delta')
      yield* two.source(options)
    })
    first.freeze()
    await passed(leaseMs * 1.5)
    const long = 'b'.repeat(5_000)
    two.say(long, 'c', undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    expect((await second.channels.list().status()).value).toEqual(['a', long, 'c'])
  })

  it('refuses what the old producer writes after another has taken over', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    let aborted = 0
    const old = first.channels.answer().produce(async function* (options) {
      options.signal.addEventListener('abort', () => {
        aborted += 1
      })
      yield* one.source(options)
    })
    one.say('a')
    await passed(500)
    const producing = second.channels.answer().produce(two.source)
    first.freeze()
    one.say('lost')
    await passed(leaseMs * 1.5)
    two.say('b')
    await passed(500)
    first.thaw()
    await passed(500)
    expect(aborted).toBe(1)
    two.say('c', undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    expect(await inTime(clock, old)).toEqual({ status: 'abandoned' })
    expect(one.starts).toHaveLength(1)
    const status = await inTime(clock, second.channels.answer().status())
    expect(status).toEqual({ status: 'completed', value: 'abc' })
  })

  it('is continued by the producer that lost its lease if nobody else does', async () => {
    const { clock, startProcess, passed } = setup()
    const { channels, freeze, thaw } = startProcess()
    const following = collectContent(channels.answer().follow())
    const starts: unknown[] = []
    const producing = channels.answer().produce(async function* ({ signal, resumeFrom }) {
      starts.push(resumeFrom?.value)
      const turn = resumeFrom?.deltas ?? 0
      yield 'abc'.charAt(turn)
      if (turn < 2) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    for (const turn of [1, 2]) {
      await passed(500)
      freeze()
      await passed(leaseMs * 1.5)
      thaw()
      await passed(500)
      expect(starts).toHaveLength(turn + 1)
    }
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    expect(starts).toEqual([undefined, 'a', 'ab'])
    const items = (await inTime(clock, following)) as { value: string; data: string }[]
    expect(items.map((item) => item.value ?? item.data).join('')).toBe('abc')
  })

  it('is given up by a producer that loses its lease again and again', async () => {
    const { clock, startProcess, passed } = setup()
    const { channels, freeze, thaw } = startProcess()
    let starts = 0
    const producing = channels.job().produce(async function* ({ signal }) {
      starts += 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    for (let turn = 0; turn < 20; turn++) {
      freeze()
      await passed(leaseMs * 1.5)
      thaw()
      await passed(500)
    }
    expect(await inTime(clock, producing)).toEqual({ status: 'abandoned' })
    expect(starts).toBe(11)
  })

  it('is taken over by a call that comes after the lease has ended', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    void first.channels.answer().produce(one.source)
    one.say('a')
    await passed(500)
    first.freeze()
    await passed(leaseMs * 1.2)
    two.say('b', undefined)
    const producing = second.channels.answer().produce(two.source)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    expect(two.starts).toEqual([{ value: 'a', deltas: 1 }])
  })

  it('is abandoned if nobody goes on within takeOverMs', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    const following = collect(second.channels.answer().follow())
    following.catch(() => {})
    void first.channels.answer().produce(one.source)
    one.say('a')
    await passed(500)
    first.freeze()
    await passed(leaseMs * 3)
    await expect(following).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await second.channels.answer().status()).toEqual({ status: 'abandoned', value: 'a' })
    expect(await inTime(clock, second.channels.answer().produce(two.source))).toEqual({
      status: 'alreadyEnded',
    })
  })

  it('has one producer, however many wait, until the last of them ends it', async () => {
    const { clock, startProcess, passed } = setup()
    const processes = range(1, 5).map(startProcess)
    const sources = processes.map(scriptedSource)
    const producing = processes.map(({ channels }, i) =>
      channels.short().produce(sources[i]?.source ?? async function* () {}),
    )
    const frozen = new Set<number>()
    for (const round of range(0, 4)) {
      await passed(leaseMs * 2.5)
      const active = sources.findIndex(({ starts }, i) => starts.length > 0 && !frozen.has(i))
      const started = sources.filter(({ starts }) => starts.length > 0)
      expect(started).toHaveLength(round + 1)
      sources[active]?.say(...'abcdefgh')
      if (round === 4) sources[active]?.say(undefined)
      await passed(leaseMs * 0.5)
      processes[active]?.freeze()
      frozen.add(active)
    }
    expect(await inTime(clock, Promise.any(producing))).toEqual({ status: 'completed' })
    const ends = sources.flatMap(({ starts }) => starts).map((start) => start?.deltas)
    expect(ends.sort()).toEqual([16, 24, 32, 8, undefined])
    const { value } = await inTime(clock, startProcess().channels.short().status())
    expect(value).toBe('abcdefgh'.repeat(5))
  })

  it('is handed over at once when the channels of its producer are closed', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    const following = collectContent(second.channels.answer().follow())
    const old = first.channels.answer().produce(one.source)
    one.say('a')
    await passed(500)
    const producing = second.channels.answer().produce(two.source)
    one.say('b')
    await settled()
    await inTime(clock, first.channels.close())
    expect(await old).toEqual({ status: 'abandoned' })
    await passed(leaseMs / 2)
    expect(two.starts).toEqual([{ value: 'ab', deltas: 2 }])
    two.say('c', undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    const items = (await inTime(clock, following)) as { value: string; data: string }[]
    expect(items.map((item) => item.value ?? item.data).join('')).toBe('abc')
  })
})

describe('a producer that waits', () => {
  it.each(['stop', 'completion'])('starts nothing after the %s of the run', async (how) => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    const old = first.channels.answer().produce(one.source)
    await passed(100)
    const producing = second.channels.answer().produce(two.source)
    await passed(100)
    if (how === 'stop') await second.channels.answer().stop()
    else one.say(undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'alreadyEnded' })
    expect((await inTime(clock, old)).status).toBe(how === 'stop' ? 'stopped' : 'completed')
    expect(two.starts).toEqual([])
  })

  it('goes on waiting while the backend is unavailable', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    void first.channels.answer().produce(one.source)
    one.say('a')
    await passed(500)
    const producing = second.channels.answer().produce(two.source)
    second.setUnavailable(true)
    await passed(leaseMs * 3)
    first.freeze()
    await passed(leaseMs)
    second.setUnavailable(false)
    two.say('b', undefined)
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
  })

  it('leaves when its channels are closed', async () => {
    const { clock, startProcess, passed } = setup()
    const [first, second] = [startProcess(), startProcess()]
    const [one, two] = [scriptedSource(), scriptedSource()]
    void first.channels.answer().produce(one.source)
    await passed(100)
    const producing = second.channels.answer().produce(two.source)
    await passed(100)
    await inTime(clock, second.channels.close())
    expect(await producing).toEqual({ status: 'alreadyRunning' })
    expect((await first.channels.answer().status()).status).toBe('running')
  })

  it('must be a function, and the option one of two', async () => {
    const { startProcess } = setup()
    const iterable = (async function* () {})()
    const producing = startProcess().channels.answer().produce(iterable)
    await expect(producing).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(() => run({ event: z.string(), onAbandoned: 'other' as never })).toThrow('onAbandoned')
    expect(() => run({ event: z.string(), takeOverMs: 999 })).toThrow('takeOverMs')
  })
})
