import type { StreamChunk } from '@tanstack/ai'
import { describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { askThread, openThread, startThreads } from './threads.ts'

describe.each(['memory', 'Redis'] as const)('a chat of TanStack AI, on %s,', (store) => {
  it('shows an answer as it arrives, to its end', async () => {
    await using threads = await startThreads(store)
    const { tab, sent } = await askThread(threads, 'Because ')
    threads.say('of that.')
    threads.end()
    await sent
    expect(tab.answer()).toBe('Because of that.')
    expect([tab.chat.getStatus(), tab.chat.getError()]).toEqual(['ready', undefined])
    expect(threads.calls.items).toHaveLength(1)
  })

  it('is opened again in the middle, in another tab, and has the same answer', async () => {
    await using threads = await startThreads(store)
    const { sent } = await askThread(threads, 'Because ', 'of ')
    const second = openThread(threads.other)
    await expect.poll(second.answer).toBe('Because of ')
    threads.say('that.')
    threads.end()
    await sent
    await expect.poll(second.chat.getStatus.bind(second.chat)).toBe('ready')
    expect(second.answer()).toBe('Because of that.')
  })

  it('is stopped from another tab: both are ready, and keep what they have', async () => {
    await using threads = await startThreads(store)
    const { tab: first, sent } = await askThread(threads, 'Because ')
    const second = openThread(threads.other)
    await expect.poll(second.answer).toBe('Because ')
    await second.connection.stop()
    await sent
    await expect.poll(() => second.chat.getStatus()).toBe('ready')
    expect([first.answer(), second.answer()]).toEqual(['Because ', 'Because '])
    const signal = await threads.calls.take()
    await expect.poll(() => signal?.aborted).toBe(true)
    await expect.poll(() => threads.app.statuses).toEqual(['stopped'])
  })

  it('is left by a tab that closes, and its run continues', async () => {
    await using threads = await startThreads(store)
    const { tab: first } = await askThread(threads, 'Because ')
    first.chat.detach()
    threads.say('of that.')
    const second = openThread(threads.other)
    await expect.poll(second.answer).toBe('Because of that.')
    threads.end()
    await expect.poll(() => second.chat.getStatus()).toBe('ready')
    await expect.poll(() => threads.app.statuses).toEqual(['completed'])
  })

  it('has an error if the model fails, and keeps what came before', async () => {
    await using threads = await startThreads(store)
    const { tab, sent } = await askThread(threads, 'Because ')
    threads.fail('The model is overloaded.')
    await sent
    expect(tab.chat.getStatus()).toBe('error')
    expect(tab.chat.getError()?.message).toBe('The model is overloaded.')
    expect(tab.answer()).toBe('Because ')
    await expect.poll(() => threads.app.statuses).toEqual(['failed'])
    const late = openThread(threads.other)
    await expect.poll(() => late.chat.getError()?.message).toBe('The model is overloaded.')
    expect(late.answer()).toBe('Because ')
  })

  it('joins a run whose deltas are joined in its value', async () => {
    await using threads = await startThreads(store)
    const words = range(1, 300).map((n) => `${n} `)
    const { tab, sent } = await askThread(threads, ...words)
    threads.end()
    await sent
    const { activeRun } = await tab.client.thread.query({ threadId: 'thread' })
    const chunks: StreamChunk[] = []
    const { connection } = openThread(threads.other)
    for await (const chunk of connection.joinRun(`${activeRun?.runId}`)) chunks.push(chunk)
    expect(chunks.map(({ type }) => type)).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ])
  })
})
