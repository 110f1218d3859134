import { describe, expect, it } from 'vitest'
import { range } from '../../../../tests/support/numbers.ts'
import { createRunProcesses, leaseMs, startRun } from '../../../../tests/support/run-processes.ts'
import { scriptedSource } from '../../../../tests/support/runs.ts'

describe('a producer that waits', () => {
  it('is one in each process, however often the run is produced', async () => {
    const { run, first, one, two, inTime, passed } = await startRun('answer')
    const waiting = run.produce(two.source)
    await passed(500)
    const others = range(1, 5).map(() => run.produce(scriptedSource().source))
    expect(await inTime(Promise.all(others))).toEqual(
      range(1, 5).map(() => ({ status: 'alreadyRunning' })),
    )
    first.freeze()
    await passed(leaseMs * 1.5)
    two.say(undefined)
    expect(await inTime(waiting)).toEqual({ status: 'completed' })
    expect(await run.produce(one.source)).toEqual({ status: 'alreadyEnded' })
  })

  it.each(['stop', 'completion'])('starts nothing after the %s of the run', async (how) => {
    const { run, one, two, ...s } = await startRun('answer')
    const producing = run.produce(two.source)
    await s.passed(100)
    if (how === 'stop') await run.stop()
    else one.say(undefined)
    expect(await s.inTime(producing)).toEqual({ status: 'alreadyEnded' })
    expect((await s.inTime(s.producing)).status).toBe(how === 'stop' ? 'stopped' : 'completed')
    expect(two.starts).toEqual([])
  })

  it('goes on waiting while the backend is unavailable', async () => {
    const { run, first, second, two, inTime, passed } = await startRun('answer')
    const producing = run.produce(two.source)
    second.setUnavailable(true)
    await passed(leaseMs * 3)
    first.freeze()
    await passed(leaseMs)
    second.setUnavailable(false)
    two.say('b', undefined)
    expect(await inTime(producing)).toEqual({ status: 'completed' })
  })

  it('leaves when its channels are closed', async () => {
    const { run, first, second, two, inTime, passed } = await startRun('answer')
    const producing = run.produce(two.source)
    await passed(100)
    await inTime(second.channels.close())
    expect(await producing).toEqual({ status: 'alreadyRunning' })
    expect((await first.channels.answer().status()).status).toBe('running')
  })

  it('must be a function', async () => {
    const { startProcess } = createRunProcesses()
    const iterable = (async function* () {})()
    const producing = startProcess().channels.answer().produce(iterable)
    await expect(producing).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})
