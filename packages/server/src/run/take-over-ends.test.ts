import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createRunProcesses, leaseMs, startRun } from '../../../../tests/support/run-processes.ts'
import { collect } from '../../../../tests/support/runs.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

describe('a run that can be taken over', () => {
  it('is abandoned if nobody goes on within takeOverMs', async () => {
    const { run, first, two, inTime, passed } = await startRun('answer')
    const following = collect(run.follow())
    following.catch(() => {})
    first.freeze()
    await passed(leaseMs * 3)
    await expect(following).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await run.status()).toEqual({ status: 'abandoned', value: 'a' })
    expect(await inTime(run.produce(two.source))).toEqual({ status: 'alreadyEnded' })
  })

  it('ends once if it is abandoned at the moment at which it is stopped', async () => {
    const { run, first, second, inTime, passed } = await startRun('job')
    first.freeze()
    await passed(leaseMs * 1.2)
    second.freeze()
    const stopping = run.stop()
    await passed(leaseMs * 2)
    second.thaw()
    expect(await inTime(stopping)).toEqual({ status: 'abandoned' })
    expect((await run.status()).status).toBe('abandoned')
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

  it('is given up by a producer that loses its lease again and again', async () => {
    const { startProcess, inTime, passed } = createRunProcesses()
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
    expect(await inTime(producing)).toEqual({ status: 'abandoned' })
    expect(starts).toBe(11)
  })
})
