/** Failures that were reported of other ways to resume chats, tried on runs. */
import type { UIMessage } from 'ai'
import { expect, it } from 'vitest'
import { type ChatTab, openChat } from './chats.ts'
import { openPlace, type Place } from './place.ts'

const question = { text: 'Why?' }

/** Asks a question, and returns the tab once it shows the start of the answer. */
async function askIn(place: Place, start: string): Promise<ChatTab> {
  const tab = openChat(place.asked)
  void tab.chat.sendMessage(question)
  place.say(start)
  await expect.poll(tab.answer).toBe(start)
  return tab
}

function open(place: Place, messages: readonly UIMessage[]): ChatTab {
  return openChat(place.other, { messages: structuredClone([...messages]) })
}

// https://github.com/vercel/ai/issues/18458
it('a resumed chat that is left by the stop of the SDK gets nothing more, and can resume again', async () => {
  await using place = await openPlace('memory')
  const first = await askIn(place, 'Because ')
  const tab = open(place, first.chat.messages.slice(0, 1))
  const resumed = tab.chat.resumeStream()
  await expect.poll(tab.answer).toBe('Because ')
  await tab.chat.stop()
  await resumed
  expect(tab.chat.status).toBe('ready')
  place.say('of that.')
  await expect.poll(first.answer).toBe('Because of that.')
  expect(tab.answer()).toBe('Because ')
  const again = tab.chat.resumeStream()
  place.end()
  await again
  expect(tab.chat.messages).toEqual(first.chat.messages)
})

// https://github.com/vercel/ai/issues/7665
it('a chat that was reloaded can stop its answer, and then asks the next question', async () => {
  await using place = await openPlace('memory')
  const first = await askIn(place, 'Because ')
  const tab = open(place, first.chat.messages.slice(0, 1))
  const resumed = tab.chat.resumeStream()
  await expect.poll(tab.answer).toBe('Because ')
  await tab.transport.stop('chat')
  await resumed
  expect((await place.calls.take())?.aborted).toBe(true)
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
  // https://github.com/CopilotKit/CopilotKit/issues/2713
  place.say('The stopped call hears this, and nobody else does.')
  const next = tab.chat.sendMessage({ text: 'And now?' })
  place.emit({ type: 'text-start', id: 'text' })
  place.say('Now this.')
  place.end()
  await next
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
  expect(tab.answer()).toBe('Now this.')
  const roles = tab.chat.messages.map(({ role }) => role).join()
  expect(roles).toBe('user,assistant,user,assistant')
})

// https://github.com/vercel/ai/issues/18457
it('a chat whose last stored message is an earlier answer resumes into a message of its own', async () => {
  await using place = await openPlace('memory')
  const first = await askIn(place, 'One.')
  place.end()
  await expect.poll(() => first.chat.status).toBe('ready')
  const earlier = structuredClone(first.chat.messages)
  const sent = first.chat.sendMessage({ text: 'And now?' })
  place.say('Two ')
  await expect.poll(first.answer).toBe('Two ')
  const tab = open(place, earlier)
  const resumed = tab.chat.resumeStream()
  place.say('words.')
  place.end()
  await Promise.all([sent, resumed])
  expect(tab.chat.messages).toEqual([...earlier, first.chat.lastMessage])
})

// https://github.com/vercel/ai/pull/10021
it('a chat that resumes twice at once, as in StrictMode, has its answer once', async () => {
  await using place = await openPlace('memory')
  const first = await askIn(place, 'Because ')
  const tab = open(place, first.chat.messages.slice(0, 1))
  const resumed = [tab.chat.resumeStream(), tab.chat.resumeStream()]
  await expect.poll(tab.answer).toBe('Because ')
  place.say('of that.')
  place.end()
  await Promise.all(resumed)
  await expect.poll(() => first.chat.status).toBe('ready')
  expect(tab.chat.messages).toEqual(first.chat.messages)
  expect([tab.chat.status, tab.chat.error]).toEqual(['ready', undefined])
})

// https://github.com/vercel/ai/issues/14027
it('a chat with half of a tool’s input in its stored messages resumes to the whole of it', async () => {
  await using place = await openPlace('memory')
  const first = await askIn(place, 'Let me see. ')
  const call = { toolCallId: 'call', toolName: 'weather' }
  place.emit({ type: 'tool-input-start', id: call.toolCallId, toolName: call.toolName })
  place.emit({ type: 'tool-input-delta', id: call.toolCallId, delta: '{"city":' })
  await expect.poll(() => first.chat.lastMessage?.parts.at(-1)?.type).toBe('tool-weather')
  const tab = open(place, first.chat.messages)
  const resumed = tab.chat.resumeStream()
  place.emit({ type: 'tool-input-delta', id: call.toolCallId, delta: '"Rome"}' })
  place.emit({ type: 'tool-input-end', id: call.toolCallId })
  place.emit({ type: 'tool-call', ...call, input: '{"city":"Rome"}' })
  place.end('tool-calls')
  place.say('It is warm.')
  place.end()
  await resumed
  await expect.poll(() => first.chat.status).toBe('ready')
  expect(tab.chat.error).toBeUndefined()
  expect(tab.chat.messages).toEqual(first.chat.messages)
})
