import { describe, expect, it, vi } from 'vitest'
import {
  type FollowedItem,
  type ReadRunOptions,
  type RunObserver,
  readRun,
  streamOf,
} from './follow.ts'

type Chunk = { readonly text: string }

function open(options: Partial<ReadRunOptions<Chunk>> = {}) {
  let observer: RunObserver<Chunk> | undefined
  const unsubscribe = vi.fn(() => observer?.onComplete())
  const onEnd = vi.fn()
  const chunks = readRun<Chunk>({
    follow(given) {
      observer = given
      return { unsubscribe }
    },
    take: (item: FollowedItem<Chunk>['data']) => (item.type === 'delta' ? [item.data] : []),
    signal: undefined,
    onEnd,
    ...options,
  })
  const say = (text: string): void => observer?.onData({ data: { type: 'delta', data: { text } } })
  return {
    chunks,
    say,
    complete: () => observer?.onComplete(),
    fail: (error: Error) => observer?.onError(error),
    unsubscribe,
    onEnd,
  }
}

async function all(chunks: AsyncIterable<Chunk>): Promise<Chunk[]> {
  const taken: Chunk[] = []
  for await (const chunk of chunks) taken.push(chunk)
  return taken
}

describe('a run that is read', () => {
  it('yields the chunks from before it was read, and ends', async () => {
    const { chunks, say, complete, onEnd } = open()
    say('a')
    say('b')
    complete()
    expect(await all(chunks)).toEqual([{ text: 'a' }, { text: 'b' }])
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  it('fails after the chunks that came before, even as a stream', async () => {
    const { chunks, say, fail } = open()
    const reader = streamOf(chunks).getReader()
    say('a')
    fail(new Error('over'))
    expect(await reader.read()).toEqual({ done: false, value: { text: 'a' } })
    await expect(reader.read()).rejects.toThrow('over')
  })

  it('unsubscribes once if its stream is cancelled, even if its client then reports an end', async () => {
    const { chunks, say, unsubscribe, onEnd } = open()
    const stream = streamOf(chunks)
    say('a')
    await stream.cancel()
    say('b')
    expect(unsubscribe).toHaveBeenCalledTimes(1)
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await all(chunks)).toEqual([])
  })

  it('ends for a reader that waits if the signal aborts', async () => {
    const left = new AbortController()
    const { chunks, unsubscribe } = open({ signal: left.signal })
    const next = chunks.next()
    left.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(unsubscribe).toHaveBeenCalledTimes(1)
  })

  it('fails and unsubscribes if its start is rejected', async () => {
    const { chunks, unsubscribe, onEnd } = open({ start: () => Promise.reject(new Error('no')) })
    await expect(chunks.next()).rejects.toThrow('no')
    expect(unsubscribe).toHaveBeenCalledTimes(1)
    expect(onEnd).toHaveBeenCalledTimes(1)
  })

  it('continues if its start is rejected after it has begun', async () => {
    let lose = (): void => {}
    const answered = new Promise<void>((_, reject) => {
      lose = () => reject(new Error('The answer was lost.'))
    })
    const { chunks, say, complete } = open({ start: () => answered })
    say('a')
    lose()
    await Promise.resolve()
    say('b')
    complete()
    expect(await all(chunks)).toEqual([{ text: 'a' }, { text: 'b' }])
  })

  it('has no chunks if the signal has aborted before', async () => {
    const { chunks, unsubscribe } = open({ signal: AbortSignal.abort() })
    expect(await all(chunks)).toEqual([])
    expect(unsubscribe).toHaveBeenCalledTimes(1)
  })
})
