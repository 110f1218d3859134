import { describe, expect, it } from 'vitest'
import { ask, asked, openChat, question, reopen, startChats } from './chats.ts'

describe.each(['memory', 'Redis'] as const)('a message of the AI SDK, on %s,', (store) => {
  it('continues after a tool that runs in the browser', async () => {
    await using chats = await startChats(store)
    const { tab, sent } = await ask(chats, 'Let me ask. ', { continuesAfterTools: true })
    const call = { toolCallId: 'call', toolName: 'confirm', input: '{"what":"this"}' }
    chats.emit({ type: 'tool-call', ...call })
    chats.end('tool-calls')
    await sent
    void tab.chat.addToolOutput({ tool: 'confirm', toolCallId: 'call', output: true })
    chats.say('Thank you.')
    await expect.poll(tab.answer).toBe('Let me ask. Thank you.')
    // A tab that is opened meanwhile gets the run, not the whole message.
    const other = reopen(chats, tab.chat.messages)
    await expect.poll(other.tab.answer).toBe('Thank you.')
    chats.end()
    await other.resumed
    await expect.poll(() => tab.chat.status).toBe('ready')
    expect(tab.chat.messages).toHaveLength(2)
    expect(chats.calls.items).toHaveLength(2)
  })

  it('has the same reasoning, tools and steps in all tabs, whenever they are opened', async () => {
    await using chats = await startChats(store)
    const first = openChat(chats.asked)
    const sent = first.chat.sendMessage(question)
    chats.emit({ type: 'reasoning-start', id: 'thought' })
    for (const delta of ['It ', 'rains?'])
      chats.emit({ type: 'reasoning-delta', id: 'thought', delta })
    chats.emit({ type: 'reasoning-end', id: 'thought' })
    const call = { toolCallId: 'call', toolName: 'weather' }
    chats.emit({ type: 'tool-input-start', id: call.toolCallId, toolName: call.toolName })
    for (const delta of ['{"city":', '"Rome"}'])
      chats.emit({ type: 'tool-input-delta', id: call.toolCallId, delta })
    chats.emit({ type: 'tool-input-end', id: call.toolCallId })
    chats.emit({ type: 'tool-call', ...call, input: '{"city":"Rome"}' })
    chats.end('tool-calls')
    for (const word of ['It ', 'is ', 'warm.']) chats.say(word)
    await expect.poll(first.answer).toBe('It is warm.')
    const middle = reopen(chats, asked(first))
    await expect.poll(middle.tab.answer).toBe('It is warm.')
    chats.end()
    await Promise.all([sent, middle.resumed])
    const late = reopen(chats, asked(first))
    await late.resumed
    const types = first.chat.lastMessage?.parts.map(({ type }) => type)
    expect(types).toEqual(['step-start', 'reasoning', 'tool-weather', 'step-start', 'text'])
    expect(middle.tab.chat.messages).toEqual(first.chat.messages)
    expect(late.tab.chat.messages).toEqual(first.chat.messages)
    const runId = await first.client.findRun.query({ chatId: 'chat' })
    const stored = await first.client.message.query({ chatId: 'chat', runId: `${runId}` })
    expect(stored).toEqual({ status: 'completed', message: first.chat.lastMessage })
  })
})
