import { describe, expect, it } from 'vitest'
import { range } from '../../../../tests/support/numbers.ts'
import { createRunProcesses, leaseMs, startRun } from '../../../../tests/support/run-processes.ts'
import { collectContent, scriptedSource, settled, textOf } from '../../../../tests/support/runs.ts'

describe('a run with onAbandoned takeOver', () => {
  it.each([
    ['answer', 'a'],
    ['short', 'a'],
    ['job', undefined],
  ] as const)('%s is continued by a producer that waits', async (kind, value) => {
    const { run, first, one, two, inTime, passed } = await startRun(kind)
    const following = collectContent(run.follow())
    const producing = run.produce(two.source)
    two.say('b', 'c')
    await passed(5_000)
    expect(two.starts).toEqual([])
    first.freeze()
    one.say('lost')
    await passed(leaseMs * 1.5)
    expect(two.starts).toEqual([{ value, deltas: 1 }])
    expect((await run.status()).status).toBe('running')
    two.say(undefined)
    expect(await inTime(producing)).toEqual({ status: 'completed' })
    expect(textOf([{ type: 'fold', value: '' }, ...(await inTime(following))])).toBe('abc')
  })

  it('isn’t affected by a source that changes the value that it resumes from', async () => {
    const { run, second, first, two, inTime, passed } = await startRun('list')
    const producing = second.channels.list().produce(async function* (options) {
      options.resumeFrom?.value.push('not a delta')
      yield* two.source(options)
    })
    first.freeze()
    await passed(leaseMs * 1.5)
    const long = 'b'.repeat(5_000)
    two.say(long, 'c', undefined)
    expect(await inTime(producing)).toEqual({ status: 'completed' })
    expect((await run.status()).value).toEqual(['a', long, 'c'])
  })

  it('refuses what the old producer writes after another has taken over', async () => {
    const { run, first, one, two, ...s } = await startRun('answer')
    const producing = run.produce(two.source)
    first.freeze()
    one.say('lost')
    await s.passed(leaseMs * 1.5)
    two.say('b')
    await s.passed(500)
    first.thaw()
    await s.passed(500)
    two.say('c', undefined)
    expect(await s.inTime(producing)).toEqual({ status: 'completed' })
    expect(await s.inTime(s.producing)).toEqual({ status: 'abandoned' })
    expect(one.starts).toHaveLength(1)
    expect(await run.status()).toEqual({ status: 'completed', value: 'abc' })
  })

  it('aborts the signal of the producer that has lost its lease, once', async () => {
    const { startProcess, inTime, passed } = createRunProcesses()
    const [first, second] = [startProcess(), startProcess()]
    let aborted = 0
    const old = first.channels.answer().produce(async function* ({ signal }) {
      signal.addEventListener('abort', () => {
        aborted += 1
      })
      yield 'a'
      await new Promise(() => {})
    })
    await passed(500)
    const { source, say } = scriptedSource()
    const producing = second.channels.answer().produce(source)
    first.freeze()
    await passed(leaseMs * 1.5)
    first.thaw()
    await passed(500)
    expect(aborted).toBe(1)
    say(undefined)
    await inTime(producing)
    expect(await inTime(old)).toEqual({ status: 'abandoned' })
  })

  it('is continued by the producer that lost its lease if nobody else does', async () => {
    const { startProcess, inTime, passed } = createRunProcesses()
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
    expect(await inTime(producing)).toEqual({ status: 'completed' })
    expect(starts).toEqual([undefined, 'a', 'ab'])
    expect(textOf(await inTime(following))).toBe('abc')
  })

  it('is taken over by a call that comes after the lease has ended', async () => {
    const { run, first, two, inTime, passed } = await startRun('answer')
    first.freeze()
    await passed(leaseMs * 1.2)
    two.say('b', undefined)
    expect(await inTime(run.produce(two.source))).toEqual({ status: 'completed' })
    expect(two.starts).toEqual([{ value: 'a', deltas: 1 }])
  })

  it('has one producer, however many wait, until the last of them ends it', async () => {
    const { startProcess, inTime, passed } = createRunProcesses()
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
    expect(await inTime(Promise.any(producing))).toEqual({ status: 'completed' })
    const ends = sources.flatMap(({ starts }) => starts).map((start) => start?.deltas)
    expect(ends.sort()).toEqual([16, 24, 32, 8, undefined])
    const { value } = await inTime(startProcess().channels.short().status())
    expect(value).toBe('abcdefgh'.repeat(5))
  })

  it('is handed over at once when the channels of its producer are closed', async () => {
    const { run, first, one, two, ...s } = await startRun('answer')
    const following = collectContent(run.follow())
    const producing = run.produce(two.source)
    one.say('b')
    await settled()
    await s.inTime(first.channels.close())
    expect(await s.producing).toEqual({ status: 'abandoned' })
    await s.passed(leaseMs / 2)
    expect(two.starts).toEqual([{ value: 'ab', deltas: 2 }])
    two.say('c', undefined)
    expect(await s.inTime(producing)).toEqual({ status: 'completed' })
    expect(textOf(await s.inTime(following))).toBe('abc')
  })
})
