import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { describe, expect, it } from 'vitest'
import { createInbox } from '../support/inbox.ts'
import type { AiRouter } from './app.ts'
import { ask, openChat, question, startChats } from './chats.ts'

type Operation = ReturnType<ReturnType<TRPCLink<AiRouter>>>
type Observer = Parameters<Operation['subscribe']>[0]

/** Creates a link that handles the mutations which start runs. */
function aroundAsk(
  handle: (send: () => Operation, observer: Observer) => ReturnType<Operation['subscribe']>,
): TRPCLink<AiRouter> {
  return () =>
    ({ op, next }) =>
      observable((observer) =>
        op.path === 'ask' ? handle(() => next(op), observer) : next(op).subscribe(observer),
      )
}

const networkError = (): TRPCClientError<AiRouter> =>
  TRPCClientError.from(new Error('The network is gone.'))

describe.each(['memory', 'Redis'] as const)('a request of the AI SDK, on %s,', (store) => {
  it('that is sent twice calls the model once', async () => {
    await using chats = await startChats(store)
    const link = aroundAsk((send, observer) => {
      send().subscribe({})
      return send().subscribe(observer)
    })
    const { tab, sent } = await ask(chats, 'Once.', { link })
    chats.end()
    await sent
    expect(tab.answer()).toBe('Once.')
    expect(chats.calls.items).toHaveLength(1)
    await expect
      .poll(() => chats.app.results.map(({ status }) => status))
      .toEqual(expect.arrayContaining(['completed', expect.stringMatching(/^already/)]))
  })

  it('shows the answer while the mutation that started it is still under way', async () => {
    await using chats = await startChats(store)
    const release = createInbox<'answer'>()
    const link = aroundAsk((send, observer) =>
      send().subscribe({
        next: (value) => void release.take().then(() => observer.next?.(value)),
      }),
    )
    const { tab, sent } = await ask(chats, 'Early.', { link })
    release.put('answer')
    chats.end()
    await sent
    expect(tab.chat.status).toBe('ready')
  })

  it('for another answer calls the model again, although the answer of the first mutation was lost', async () => {
    await using chats = await startChats(store)
    const release = createInbox<'lost'>()
    const link = aroundAsk((send, observer) => {
      const lose = (): void => observer.error?.(networkError())
      return send().subscribe({ next: () => void release.take().then(lose) })
    })
    const tab = openChat(chats.asked, { link })
    for (const answer of ['One.', 'Two.']) {
      const sent = answer === 'One.' ? tab.chat.sendMessage(question) : tab.chat.regenerate()
      chats.say(answer)
      await expect.poll(tab.answer).toBe(answer)
      release.put('lost')
      chats.end()
      await sent
      expect(tab.chat.status).toBe('ready')
    }
    expect(chats.calls.items).toHaveLength(2)
  })

  it('whose run nobody starts has an error', async () => {
    await using chats = await startChats(store)
    // The server answers, and crashes before it starts the run.
    const link = aroundAsk((_, observer) => {
      observer.next?.({ result: { type: 'data', data: undefined } })
      observer.complete?.()
      return { unsubscribe() {} }
    })
    const tab = openChat(chats.asked, { link, waitForStartMs: 50 })
    await tab.chat.sendMessage(question)
    expect(tab.chat.status).toBe('error')
    expect(tab.chat.error?.message).toMatch('The run has not begun in time')
  })

  it('whose answer was lost follows the run that has begun when the user tries again', async () => {
    await using chats = await startChats(store)
    let isLost = true
    const link = aroundAsk((send, observer) =>
      send().subscribe({
        ...observer,
        next(value) {
          if (isLost) observer.error?.(networkError())
          else observer.next?.(value)
        },
      }),
    )
    const tab = openChat(chats.asked, { link })
    await tab.chat.sendMessage(question)
    expect(tab.chat.error?.message).toBe('The network is gone.')
    isLost = false
    const again = tab.chat.regenerate()
    chats.say('Once.')
    chats.end()
    await again
    expect([tab.answer(), tab.chat.status]).toEqual(['Once.', 'ready'])
    expect(chats.calls.items).toHaveLength(1)
  })
})
