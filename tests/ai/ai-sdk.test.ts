import { describe, expect, it } from 'vitest'
import { ask, asked, openChat, question, reopen, startChats } from './chats.ts'

describe.each(['memory', 'Redis'] as const)('a chat of the AI SDK, on %s,', (store) => {
  it('shows an answer as it arrives, and is ready at its end', async () => {
    await using chats = await startChats(store)
    const { tab, sent } = await ask(chats, 'Because ')
    expect(tab.chat.status).toBe('streaming')
    chats.say('of that.')
    chats.end()
    await sent
    expect(tab.answer()).toBe('Because of that.')
    expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
    expect(chats.calls.items).toHaveLength(1)
  })

  it('is opened again in the middle, and has the same message at the end', async () => {
    await using chats = await startChats(store)
    const first = await ask(chats, 'Because ')
    const { tab, resumed } = reopen(chats, asked(first.tab))
    await expect.poll(tab.answer).toBe('Because ')
    chats.say('of that.')
    chats.end()
    await Promise.all([first.sent, resumed])
    expect(tab.chat.messages).toEqual(first.tab.chat.messages)
    expect(tab.answer()).toBe('Because of that.')
  })

  it('is opened after the end, and has the whole answer', async () => {
    await using chats = await startChats(store)
    const first = await ask(chats, 'Because ')
    for (const word of ['of ', 'that.']) chats.say(word)
    chats.end()
    await first.sent
    const { tab, resumed } = reopen(chats, first.tab.chat.messages)
    await resumed
    expect(tab.chat.messages).toEqual(first.tab.chat.messages)
    expect(tab.chat.status).toBe('ready')
  })

  it('resumes nothing if there is no run', async () => {
    await using chats = await startChats(store)
    const tab = openChat(chats.asked)
    await tab.chat.resumeStream()
    expect([tab.chat.status, tab.chat.messages]).toEqual(['ready', []])
  })

  it('is stopped from another client: all are ready, and keep what they have', async () => {
    await using chats = await startChats(store)
    const first = await ask(chats, 'Because ')
    const { tab, resumed } = reopen(chats, asked(first.tab))
    await expect.poll(tab.answer).toBe('Because ')
    await openChat(chats.other).transport.stop('chat')
    await Promise.all([first.sent, resumed])
    expect([first.tab.chat.status, tab.chat.status]).toEqual(['ready', 'ready'])
    expect([first.tab.answer(), tab.answer()]).toEqual(['Because ', 'Because '])
    const signal = await chats.calls.take()
    await expect.poll(() => signal?.aborted).toBe(true)
    await expect.poll(() => chats.app.results).toMatchObject([{ status: 'stopped' }])
  })

  it('is left by the stop of the SDK, and its run continues', async () => {
    await using chats = await startChats(store)
    const { tab, sent } = await ask(chats, 'Because ')
    await tab.chat.stop()
    await sent
    chats.say('of that.')
    const resumed = tab.chat.resumeStream()
    await expect.poll(tab.answer).toBe('Because of that.')
    expect((await chats.calls.take())?.aborted).toBe(false)
    chats.end()
    await resumed
    expect(chats.app.results).toMatchObject([{ status: 'completed' }])
  })

  it('has an error if the model fails, and keeps what came before', async () => {
    await using chats = await startChats(store)
    const { tab, sent } = await ask(chats, 'Because ')
    chats.fail(new Error('The model is overloaded.'))
    await sent
    expect(tab.chat.status).toBe('error')
    expect(tab.chat.error?.message).toBe('The model is overloaded.')
    expect(tab.answer()).toBe('Because ')
    await expect.poll(() => chats.app.results).toMatchObject([{ status: 'failed' }])
    const late = reopen(chats, asked(tab))
    await late.resumed
    expect(late.tab.chat.error?.message).toBe('The model is overloaded.')
    expect(late.tab.answer()).toBe('Because ')
  })

  it('has an error without details if the stream of the model breaks', async () => {
    await using chats = await startChats(store)
    const { tab, sent } = await ask(chats, 'Because ')
    chats.break(new Error('secret'))
    await sent
    expect([tab.chat.status, tab.chat.error?.message]).toEqual(['error', 'The run failed.'])
    expect(tab.answer()).toBe('Because ')
  })

  it.runIf(store === 'Redis')(
    'has an error at once if the server that produces the answer shuts down',
    async () => {
      await using chats = await startChats(store)
      const first = await ask(chats, 'Because ')
      const { tab, resumed } = reopen(chats, asked(first.tab))
      await expect.poll(tab.answer).toBe('Because ')
      await chats.app.channels.close()
      await resumed
      expect(tab.chat.error?.message).toMatch('The run was abandoned')
      expect(tab.answer()).toBe('Because ')
    },
  )

  it('continues from its position after its connection was cut', async () => {
    await using chats = await startChats(store)
    const tab = openChat(chats.asked)
    const sent = tab.chat.sendMessage(question)
    for (const word of ['Because ', 'of ', 'that ']) {
      chats.say(word)
      await expect.poll(() => tab.answer().endsWith(word)).toBe(true)
      chats.proxy.cut()
    }
    chats.say('alone.')
    chats.end()
    await sent
    expect(tab.answer()).toBe('Because of that alone.')
  })
})
