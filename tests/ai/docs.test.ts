import type { AnyTRPCRouter } from '@trpc/server'
import type { UIMessage } from 'ai'
import { expect, it, vi } from 'vitest'
import { writeDocFiles } from '../support/doc-files.ts'
import { serveRouter } from '../support/router-server.ts'
import { openChat } from './chats.ts'
import type { ScriptedModel } from './model.ts'

it('the server of docs/ai.md answers, resumes, stops, and has answers to save', async () => {
  const scripted = `import { createScriptedModel } from '../ai/model.ts'
    export const script = createScriptedModel()
    export const model = script.model`
  using files = writeDocFiles('docs/ai.md', 'ai', (code, file) =>
    file === 'model.ts' ? scripted : code,
  )
  const { appRouter, channels, script, saveAnswer } = await load(files.path)
  await using server = await serveRouter(appRouter, { channels } as never)
  const first = openChat(server.url)
  // The SDK logs errors that a model reports.
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  const failing = first.chat.sendMessage({ text: 'What?' })
  script.fail(new Error('secret'))
  await failing
  expect(first.chat.error?.message).toBe('An error occurred.')
  expect(log).toHaveBeenCalledTimes(1)
  log.mockRestore()

  const sent = first.chat.sendMessage({ text: 'Why?' })
  script.say('Because ')
  await expect.poll(first.answer).toBe('Because ')
  const second = openChat(server.url, {
    messages: first.chat.messages.filter(({ role }) => role === 'user'),
  })
  const resumed = second.chat.resumeStream()
  await expect.poll(second.answer).toBe('Because ')
  await second.transport.stop('chat')
  await Promise.all([sent, resumed])
  const saved: UIMessage[] = []
  const runId = `${first.chat.lastMessage?.id}`
  await saveAnswer('chat', runId, async (_, message) => void saved.push(message))
  expect(saved).toEqual([first.chat.lastMessage])
  await channels.close()
})

interface Loaded {
  readonly appRouter: AnyTRPCRouter
  readonly channels: { close(): Promise<void> }
  readonly script: ScriptedModel
  readonly saveAnswer: (
    chatId: string,
    runId: string,
    save: (chatId: string, message: UIMessage) => Promise<void>,
  ) => Promise<void>
}

async function load(path: (file: string) => string): Promise<Loaded> {
  const modules = ['router.ts', 'channels.ts', 'model.ts', 'save.ts']
  return Object.assign({}, ...(await Promise.all(modules.map((file) => import(path(file))))))
}
