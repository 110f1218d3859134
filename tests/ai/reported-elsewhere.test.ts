/** Failures that users have reported of other ways to resume chats, tried on runs. */
import { expect, it } from 'vitest'
import { ask, asked, reopen, startChats } from './chats.ts'

// https://github.com/vercel/ai/issues/18458
it('a resumed chat that is left by the stop of the SDK gets nothing more, and can resume again', async () => {
  await using chats = await startChats('memory')
  const { tab: first } = await ask(chats, 'Because ')
  const { tab, resumed } = reopen(chats, asked(first))
  await expect.poll(tab.answer).toBe('Because ')
  await tab.chat.stop()
  await resumed
  expect(tab.chat.status).toBe('ready')
  chats.say('of that.')
  await expect.poll(first.answer).toBe('Because of that.')
  expect(tab.answer()).toBe('Because ')
  const again = tab.chat.resumeStream()
  chats.end()
  await again
  expect(tab.chat.messages).toEqual(first.chat.messages)
})

// https://github.com/vercel/ai/issues/7665
it('a chat that was reloaded can stop its answer, and then asks the next question', async () => {
  await using chats = await startChats('memory')
  const { tab: first } = await ask(chats, 'Because ')
  const { tab, resumed } = reopen(chats, asked(first))
  await expect.poll(tab.answer).toBe('Because ')
  await tab.transport.stop('chat')
  await resumed
  expect((await chats.calls.take())?.aborted).toBe(true)
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
  // https://github.com/CopilotKit/CopilotKit/issues/2713
  chats.say('The stopped call hears this, and nobody else does.')
  const next = tab.chat.sendMessage({ text: 'And now?' })
  chats.emit({ type: 'text-start', id: 'text' })
  chats.say('Now this.')
  chats.end()
  await next
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
  expect(tab.answer()).toBe('Now this.')
  const roles = tab.chat.messages.map(({ role }) => role).join()
  expect(roles).toBe('user,assistant,user,assistant')
})

// https://github.com/vercel/ai/issues/18457
it('a chat whose last stored message is an earlier answer resumes into a message of its own', async () => {
  await using chats = await startChats('memory')
  const { tab: first } = await ask(chats, 'One.')
  chats.end()
  await expect.poll(() => first.chat.status).toBe('ready')
  const earlier = structuredClone(first.chat.messages)
  const sent = first.chat.sendMessage({ text: 'And now?' })
  chats.say('Two ')
  await expect.poll(first.answer).toBe('Two ')
  const { tab, resumed } = reopen(chats, earlier)
  chats.say('words.')
  chats.end()
  await Promise.all([sent, resumed])
  expect(tab.chat.messages).toEqual([...earlier, first.chat.lastMessage])
})

// https://github.com/vercel/ai/pull/10021
it('a chat that resumes twice at once, as in StrictMode, has its answer once', async () => {
  await using chats = await startChats('memory')
  const { tab: first } = await ask(chats, 'Because ')
  const { tab, resumed } = reopen(chats, asked(first))
  const again = tab.chat.resumeStream()
  await expect.poll(tab.answer).toBe('Because ')
  chats.say('of that.')
  chats.end()
  await Promise.all([resumed, again])
  await expect.poll(() => first.chat.status).toBe('ready')
  expect(tab.chat.messages).toEqual(first.chat.messages)
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
})

// https://github.com/vercel/ai/issues/14027
it('a chat with half of a tool’s input in its stored messages resumes to the whole of it', async () => {
  await using chats = await startChats('memory')
  const { tab: first } = await ask(chats, 'Let me see. ')
  const call = { toolCallId: 'call', toolName: 'weather' }
  chats.emit({ type: 'tool-input-start', id: call.toolCallId, toolName: call.toolName })
  chats.emit({ type: 'tool-input-delta', id: call.toolCallId, delta: '{"city":' })
  await expect.poll(() => first.chat.lastMessage?.parts.at(-1)?.type).toBe('tool-weather')
  const { tab, resumed } = reopen(chats, first.chat.messages)
  chats.emit({ type: 'tool-input-delta', id: call.toolCallId, delta: '"Rome"}' })
  chats.emit({ type: 'tool-input-end', id: call.toolCallId })
  chats.emit({ type: 'tool-call', ...call, input: '{"city":"Rome"}' })
  chats.end('tool-calls')
  chats.say('It is warm.')
  chats.end()
  await resumed
  await expect.poll(() => first.chat.status).toBe('ready')
  expect(tab.chat.error).toBeUndefined()
  expect(tab.chat.messages).toEqual(first.chat.messages)
})
