import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { settled } from '../../../../tests/support/runs.ts'
import type { Backend } from '../backend/backend.ts'
import { memoryBackend } from '../backend/memory.ts'
import { createChannels } from '../channels.ts'
import { run } from './definition.ts'

function setup(change: (backend: Backend) => Backend = (backend) => backend) {
  const channels = createChannels({
    backend: change(memoryBackend()),
    channels: {
      answer: run({ event: z.string() }),
      relay: run({ event: z.string(), onAbandoned: 'takeOver' }),
    },
  })
  return channels
}

/** Creates a stream that never ends, and whose cancellation is recorded. */
function openStream() {
  const cancel = vi.fn()
  return { cancel, stream: new ReadableStream<string>({ cancel }) }
}

describe('a stream for a run that it does not start', () => {
  it.each(['alreadyRunning', 'alreadyEnded'] as const)('is cancelled: %s', async (status) => {
    const answer = setup().answer()
    const { stream: first } = openStream()
    const producing = answer.produce(first)
    await settled()
    if (status === 'alreadyEnded') await answer.stop()
    const { cancel, stream } = openStream()
    expect(await answer.produce(stream)).toEqual({ status })
    expect(cancel).toHaveBeenCalledOnce()
    await answer.stop()
    await producing
  })

  it('is cancelled if the run can’t begin', async () => {
    const channels = setup((backend) => ({
      ...backend,
      change: () => Promise.reject(new Error('The backend is away.')),
    }))
    const { cancel, stream } = openStream()
    await expect(channels.answer().produce(stream)).rejects.toThrow('away')
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('is cancelled if the options of the run refuse it', async () => {
    const { cancel, stream } = openStream()
    await expect(setup().relay().produce(stream)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it.each([
    ['is locked', (stream: ReadableStream<string>) => void stream.getReader()],
    ['rejects', () => {}],
  ])('may be one that %s', async (_, prepare) => {
    const answer = setup().answer()
    await answer.stop()
    const stream = new ReadableStream<string>({ cancel: () => Promise.reject(new Error('no')) })
    prepare(stream)
    expect(await answer.produce(stream)).toEqual({ status: 'alreadyEnded' })
    await settled()
  })
})

describe('another source for a run that it does not start', () => {
  it('is ended if it is a generator, which never begins', async () => {
    const answer = setup().answer()
    await answer.stop()
    const begun = vi.fn()
    const generator = (async function* () {
      begun()
      yield 'a'
    })()
    expect(await answer.produce(generator)).toEqual({ status: 'alreadyEnded' })
    await settled()
    expect(await generator.next()).toEqual({ done: true, value: undefined })
    expect(begun).not.toHaveBeenCalled()
  })

  it('is not called if it is a function, and not opened if it is an iterable', async () => {
    const answer = setup().answer()
    await answer.stop()
    const open = vi.fn(async function* () {
      yield 'a'
    })
    await answer.produce(open)
    await answer.produce({ [Symbol.asyncIterator]: open })
    expect(open).not.toHaveBeenCalled()
  })
})
