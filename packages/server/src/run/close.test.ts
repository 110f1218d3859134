import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import { collect, inTime, settled } from '../../../../tests/support/runs.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

const answer = run({
  event: z.string(),
  fold: { initial: '', apply: (text, delta) => text + delta },
})

describe('when channels are closed', () => {
  it('a run of this process is abandoned immediately, before its lease expires', async () => {
    const backend = memoryBackend()
    const channels = createChannels({ backend, channels: { answer } })
    // Another process, which keeps running.
    const others = createChannels({
      backend: { ...backend, close: async () => {} },
      channels: { answer },
    })
    const following = collect(others.answer().follow())
    const cleanUp = vi.fn()
    const producing = channels.answer().produce(async function* () {
      try {
        yield 'a'
        await new Promise(() => {})
      } finally {
        cleanUp()
      }
    })
    await setTimeout(100)
    const closing = channels.close()
    expect(await producing).toMatchObject({ status: 'abandoned' })
    await closing
    await expect(following).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('produce is refused', async () => {
    const channels = createChannels({ channels: { answer } })
    await channels.close()
    await expect(channels.answer().produce((async function* () {})())).rejects.toMatchObject({
      code: 'CLOSED',
    })
  })
})

it('a run leaves no timer and no listener', async () => {
  const clock = manualClock()
  const backend = memoryBackend({ clock })
  let listeners = 0
  const channels = createChannels({
    backend: {
      ...backend,
      async listen(...call) {
        listeners += 1
        const unlisten = await backend.listen(...call)
        return async () => {
          listeners -= 1
          await unlisten()
        }
      },
    },
    clock,
    channels: { answer },
  })
  const before = clock.timers().length
  const following = collect(channels.answer().follow())
  const source = async function* () {
    yield 'a'
  }
  expect(await inTime(clock, channels.answer().produce(source))).toEqual({ status: 'completed' })
  await inTime(clock, following)
  // Hubs and values are kept for a while, for the next follower.
  clock.advance(60_000)
  await settled()
  clock.advance(60_000)
  await settled()
  expect(listeners).toBe(0)
  expect(clock.timers().length).toBe(before)
})
