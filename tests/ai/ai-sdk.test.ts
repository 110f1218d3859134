import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import type { UIMessage } from 'ai'
import { describe, expect, it } from 'vitest'
import { createInbox } from '../support/inbox.ts'
import type { AiRouter } from './app.ts'
import { openChat } from './chats.ts'
import { openPlace } from './place.ts'

const question = { text: 'Why?' }

/** Returns the messages of a tab as a reloaded page gets them. */
function asked(messages: readonly UIMessage[]): UIMessage[] {
  return structuredClone(messages.filter(({ role }) => role === 'user'))
}

describe.each(['memory', 'Redis'] as const)('a chat of the AI SDK, on %s,', (backend) => {
  it('shows an answer as it arrives, and is ready at its end', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    expect(tab.chat.status).toBe('streaming')
    place.say('of that.')
    place.end()
    await sent
    expect(tab.answer()).toBe('Because of that.')
    expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
    expect(place.calls.items).toHaveLength(1)
  })

  it('is opened again in the middle, and has the same message at the end', async () => {
    await using place = await openPlace(backend)
    const first = openChat(place.asked)
    const sent = first.chat.sendMessage(question)
    place.say('Because ')
    await expect.poll(first.answer).toBe('Because ')
    const reloaded = openChat(place.other, { messages: asked(first.chat.messages) })
    const resumed = reloaded.chat.resumeStream()
    await expect.poll(reloaded.answer).toBe('Because ')
    place.say('of that.')
    place.end()
    await Promise.all([sent, resumed])
    expect(reloaded.chat.messages).toEqual(first.chat.messages)
    expect(reloaded.answer()).toBe('Because of that.')
  })

  it('is opened after the end, and has the whole answer', async () => {
    await using place = await openPlace(backend)
    const first = openChat(place.asked)
    const sent = first.chat.sendMessage(question)
    for (const word of ['Because ', 'of ', 'that.']) place.say(word)
    place.end()
    await sent
    const late = openChat(place.other, { messages: structuredClone(first.chat.messages) })
    await late.chat.resumeStream()
    expect(late.chat.messages).toEqual(first.chat.messages)
    expect(late.chat.status).toBe('ready')
  })

  it('resumes nothing if there is no run', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    await tab.chat.resumeStream()
    expect([tab.chat.status, tab.chat.messages]).toEqual(['ready', []])
  })

  it('is stopped from another client: all are ready, and keep what they have', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    const other = openChat(place.other, { messages: asked(tab.chat.messages) })
    const resumed = other.chat.resumeStream()
    await expect.poll(other.answer).toBe('Because ')
    await openChat(place.other).transport.stop('chat')
    await Promise.all([sent, resumed])
    expect([tab.chat.status, other.chat.status]).toEqual(['ready', 'ready'])
    expect([tab.answer(), other.answer()]).toEqual(['Because ', 'Because '])
    const signal = await place.calls.take()
    await expect.poll(() => signal?.aborted).toBe(true)
    await expect.poll(() => place.app.results).toMatchObject([{ status: 'stopped' }])
  })

  it('is left by the stop of the SDK, and its run continues', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    await tab.chat.stop()
    await sent
    place.say('of that.')
    const resumed = tab.chat.resumeStream()
    await expect.poll(tab.answer).toBe('Because of that.')
    expect((await place.calls.take())?.aborted).toBe(false)
    place.end()
    await resumed
    expect(place.app.results).toMatchObject([{ status: 'completed' }])
  })

  it('has an error if the model fails, and keeps what came before', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    place.fail(new Error('The model is overloaded.'))
    await sent
    expect(tab.chat.status).toBe('error')
    expect(tab.chat.error?.message).toBe('The model is overloaded.')
    expect(tab.answer()).toBe('Because ')
    await expect.poll(() => place.app.results).toMatchObject([{ status: 'failed' }])
    const late = openChat(place.other, { messages: asked(tab.chat.messages) })
    await late.chat.resumeStream()
    expect(late.chat.error?.message).toBe('The model is overloaded.')
    expect(late.answer()).toBe('Because ')
  })

  it('has an error without details if the stream of the model breaks', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    place.say('Because ')
    place.break(new Error('secret'))
    await sent
    expect([tab.chat.status, tab.chat.error?.message]).toEqual(['error', 'The run failed.'])
    expect(tab.answer()).toBe('Because ')
  })

  it.runIf(backend === 'Redis')(
    'has an error at once if the server that produces the answer shuts down',
    async () => {
      await using place = await openPlace(backend)
      const asking = openChat(place.asked)
      void asking.chat.sendMessage(question)
      place.say('Because ')
      await expect.poll(asking.answer).toBe('Because ')
      const tab = openChat(place.other, { messages: asked(asking.chat.messages) })
      const resumed = tab.chat.resumeStream()
      await expect.poll(tab.answer).toBe('Because ')
      await place.app.channels.close()
      await resumed
      expect(tab.chat.error?.message).toMatch('The run was abandoned')
      expect(tab.answer()).toBe('Because ')
    },
  )

  it('calls the model once for a request that is sent twice', async () => {
    await using place = await openPlace(backend)
    const twice: TRPCLink<AiRouter> =
      () =>
      ({ op, next }) =>
        observable((observer) => {
          if (op.path === 'ask') next(op).subscribe({})
          return next(op).subscribe(observer)
        })
    const tab = openChat(place.asked, { link: twice })
    const sent = tab.chat.sendMessage(question)
    place.say('Once.')
    place.end()
    await sent
    expect(tab.answer()).toBe('Once.')
    expect(place.calls.items).toHaveLength(1)
    await expect
      .poll(() => place.app.results.map(({ status }) => status))
      .toEqual(expect.arrayContaining(['completed', expect.stringMatching(/^already/)]))
  })

  it('shows the answer while the mutation that started it is still under way', async () => {
    await using place = await openPlace(backend)
    const release = createInbox<'answer'>()
    const slow: TRPCLink<AiRouter> =
      () =>
      ({ op, next }) =>
        observable((observer) => {
          if (op.path !== 'ask') return next(op).subscribe(observer)
          return next(op).subscribe({
            next: (value) => void release.take().then(() => observer.next(value)),
          })
        })
    const tab = openChat(place.asked, { link: slow })
    const sent = tab.chat.sendMessage(question)
    place.say('Early.')
    await expect.poll(tab.answer).toBe('Early.')
    release.put('answer')
    place.end()
    await sent
    expect(tab.chat.status).toBe('ready')
  })

  it('asks the model again for another answer, although the answer of the first mutation was lost', async () => {
    await using place = await openPlace(backend)
    const release = createInbox<'lost'>()
    const lossy: TRPCLink<AiRouter> =
      () =>
      ({ op, next }) =>
        observable((observer) => {
          if (op.path !== 'ask') return next(op).subscribe(observer)
          const lose = (): void =>
            observer.error(TRPCClientError.from(new Error('The network is gone.')))
          return next(op).subscribe({ next: () => void release.take().then(lose) })
        })
    const tab = openChat(place.asked, { link: lossy })
    for (const answer of ['One.', 'Two.']) {
      const sent = answer === 'One.' ? tab.chat.sendMessage(question) : tab.chat.regenerate()
      place.say(answer)
      await expect.poll(tab.answer).toBe(answer)
      release.put('lost')
      place.end()
      await sent
      expect(tab.chat.status).toBe('ready')
    }
    expect(place.calls.items).toHaveLength(2)
  })

  it('follows the run that has begun if its answer was lost and the user tries again', async () => {
    await using place = await openPlace(backend)
    let isLost = true
    const lossy: TRPCLink<AiRouter> =
      () =>
      ({ op, next }) =>
        observable((observer) =>
          next(op).subscribe({
            ...observer,
            next(value) {
              if (op.path === 'ask' && isLost) observer.error(TRPCClientError.from(lost))
              else observer.next(value)
            },
          }),
        )
    const lost = new Error('The network is gone.')
    const tab = openChat(place.asked, { link: lossy })
    await tab.chat.sendMessage(question)
    expect(tab.chat.error?.message).toBe('The network is gone.')
    isLost = false
    const again = tab.chat.regenerate()
    place.say('Once.')
    place.end()
    await again
    expect([tab.answer(), tab.chat.status]).toEqual(['Once.', 'ready'])
    expect(place.calls.items).toHaveLength(1)
  })

  it('continues from its position after its connection was cut', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked)
    const sent = tab.chat.sendMessage(question)
    for (const word of ['Because ', 'of ', 'that ']) {
      place.say(word)
      await expect.poll(() => tab.answer().endsWith(word)).toBe(true)
      place.proxy.cut()
    }
    place.say('alone.')
    place.end()
    await sent
    expect(tab.answer()).toBe('Because of that alone.')
  })

  it('continues its message after a tool that runs in the browser', async () => {
    await using place = await openPlace(backend)
    const tab = openChat(place.asked, { continuesAfterTools: true })
    const sent = tab.chat.sendMessage(question)
    place.say('Let me ask. ')
    const call = { toolCallId: 'call', toolName: 'confirm', input: '{"what":"this"}' }
    place.emit({ type: 'tool-call', ...call })
    place.end('tool-calls')
    await sent
    void tab.chat.addToolOutput({ tool: 'confirm', toolCallId: 'call', output: true })
    place.say('Thank you.')
    await expect.poll(tab.answer).toBe('Let me ask. Thank you.')
    // A tab that is opened meanwhile gets the run, not the whole message.
    const other = openChat(place.other, { messages: structuredClone(tab.chat.messages) })
    const resumed = other.chat.resumeStream()
    await expect.poll(other.answer).toBe('Thank you.')
    place.end()
    await resumed
    await expect.poll(() => tab.chat.status).toBe('ready')
    expect(tab.chat.messages).toHaveLength(2)
    expect(place.calls.items).toHaveLength(2)
  })

  it('has the same reasoning, tools and steps in all tabs, whenever they are opened', async () => {
    await using place = await openPlace(backend)
    const first = openChat(place.asked)
    const sent = first.chat.sendMessage(question)
    place.emit({ type: 'reasoning-start', id: 'thought' })
    for (const delta of ['It ', 'rains?'])
      place.emit({ type: 'reasoning-delta', id: 'thought', delta })
    place.emit({ type: 'reasoning-end', id: 'thought' })
    const call = { toolCallId: 'call', toolName: 'weather' }
    place.emit({ type: 'tool-input-start', id: call.toolCallId, toolName: call.toolName })
    for (const delta of ['{"city":', '"Rome"}'])
      place.emit({ type: 'tool-input-delta', id: call.toolCallId, delta })
    place.emit({ type: 'tool-input-end', id: call.toolCallId })
    place.emit({ type: 'tool-call', ...call, input: '{"city":"Rome"}' })
    place.end('tool-calls')
    for (const word of ['It ', 'is ', 'warm.']) place.say(word)
    await expect.poll(first.answer).toBe('It is warm.')
    const middle = openChat(place.other, { messages: asked(first.chat.messages) })
    const resumed = middle.chat.resumeStream()
    await expect.poll(middle.answer).toBe('It is warm.')
    place.end()
    await Promise.all([sent, resumed])
    const late = openChat(place.other, { messages: asked(first.chat.messages) })
    await late.chat.resumeStream()
    const types = first.chat.lastMessage?.parts.map(({ type }) => type)
    expect(types).toEqual(['step-start', 'reasoning', 'tool-weather', 'step-start', 'text'])
    expect(middle.chat.messages).toEqual(first.chat.messages)
    expect(late.chat.messages).toEqual(first.chat.messages)
    const runId = await first.client.findRun.query({ chatId: 'chat' })
    const stored = await first.client.message.query({ chatId: 'chat', runId: `${runId}` })
    expect(stored).toEqual({ status: 'completed', message: first.chat.lastMessage })
  })
})
