import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { collect, inTime } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

describe.each([-3_600_000, 3_600_000])('with the time of day set by %i ms', (jumpMs) => {
  function setup() {
    const manual = manualClock()
    let setByMs = 0
    let isFrozen = false
    const clock = { ...manual, now: () => manual.now() + setByMs, monotonicMs: manual.now }
    const memory = memoryBackend({ clock })
    const backend: Backend = {
      ...memory,
      async change(log, change) {
        if (isFrozen || !memory.change) return await new Promise(() => {})
        return await memory.change(log, change)
      },
    }
    const job = run({ event: z.string(), fold: { initial: '', apply: (all, one) => all + one } })
    const channels = createChannels({ clock, backend, channels: { job } })
    return {
      clock: manual,
      job: channels.job(),
      pass(ms: number) {
        const passing = new Promise<void>((resolve) => manual.after(ms, () => resolve()))
        return inTime(manual, passing, 500)
      },
      setTime() {
        setByMs = jumpMs
      },
      freeze() {
        isFrozen = true
      },
    }
  }

  it('a run goes on', async () => {
    const { clock, job, pass, setTime } = setup()
    const followed = collect(job.follow())
    const producing = job.produce(async function* () {
      yield 'a'
      await new Promise<void>((resolve) => clock.after(5_000, () => resolve()))
      yield 'b'
    })
    await pass(1_000)
    setTime()
    expect((await job.status()).status).toBe('running')
    expect(await inTime(clock, producing)).toEqual({ status: 'completed' })
    expect(await job.status()).toEqual({ status: 'completed', value: 'ab' })
    expect((await inTime(clock, followed)).at(-1)).toEqual({ type: 'end', status: 'completed' })
  })

  it('a run without a producer is abandoned when its lease ends', async () => {
    const { job, pass, setTime, freeze } = setup()
    void job.produce(async function* () {
      yield 'a'
      await new Promise(() => {})
    })
    await pass(1_000)
    freeze()
    setTime()
    await pass(5_000)
    expect((await job.status()).status).toBe('running')
    await pass(5_000)
    expect((await job.status()).status).toBe('abandoned')
  })

  it('a run is remembered for keepForMs', async () => {
    const { job, pass, setTime } = setup()
    await job.stop()
    setTime()
    await pass(590_000)
    expect((await job.status()).status).toBe('stopped')
    await pass(10_000)
    expect((await job.status()).status).toBe('none')
  })
})
