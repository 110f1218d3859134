import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { range } from '../support/numbers.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createAiApp } from './app.ts'
import { type ChatTab, openChat } from './chats.ts'
import { createScriptedModel } from './model.ts'

let redis: RedisServer
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis[Symbol.asyncDispose]())

const startServer = (): Promise<ChildServer> =>
  startChildServer(new URL('./server.ts', import.meta.url), { REDIS_URL: redis.url })
/** Returns the answer in a tab, or its error. */
const shownIn = ({ chat, answer }: ChatTab): string => chat.error?.message ?? answer()
const urlOf = ({ port }: { readonly port: number }): string => `http://127.0.0.1:${port}`

it('an answer whose server is killed ends as an error in every chat, with the same text', async () => {
  await using asked = await startServer()
  await using other = await startServer()
  await using proxy = await startTcpProxy(asked.port)
  const first = openChat(urlOf(proxy), { chatId: 'killed' })
  const second = openChat(urlOf(other), { chatId: 'killed' })
  const sent = first.chat.sendMessage({ text: 'Count.' })
  await expect.poll(() => shownIn(first)).toMatch(/^1 2 3 /)
  const resumed = second.chat.resumeStream()
  await expect.poll(() => shownIn(second)).toMatch(/^1 2 3 /)
  await asked.kill()
  proxy.target = other.port
  await Promise.all([sent, resumed])
  for (const { chat } of [first, second]) {
    expect(chat.status).toBe('error')
    expect(chat.error?.message).toMatch('The run was abandoned')
  }
  expect(first.chat.lastMessage).toEqual(second.chat.lastMessage)
})

it('an answer continues in a chat whose server is replaced meanwhile', async () => {
  await using asked = await startServer()
  const first = await startServer()
  await using proxy = await startTcpProxy(first.port)
  const asking = openChat(urlOf(asked), { chatId: 'replaced' })
  const sent = asking.chat.sendMessage({ text: 'Count.' })
  await expect.poll(() => shownIn(asking)).toMatch(/^1 2 /)
  const tab = openChat(urlOf(proxy), { chatId: 'replaced' })
  const resumed = tab.chat.resumeStream()
  await expect.poll(() => shownIn(tab)).toMatch(/^1 2 3 /)
  await first.kill()
  await using next = await startServer()
  proxy.target = next.port
  await Promise.all([sent, resumed])
  expect([asking.chat.status, tab.chat.status]).toEqual(['ready', 'ready'])
  expect(tab.answer()).toBe(
    range(1, 60)
      .map((word) => `${word} `)
      .join(''),
  )
  expect(tab.answer()).toBe(asking.answer())
})

it('an answer that is in memory ends as an error when its server is replaced', async () => {
  const script = createScriptedModel()
  const start = async () => {
    const { channels, router } = createAiApp(script.model)
    const server = await serveRouter(router, { channels } as never)
    return { channels, server, port: Number(new URL(server.url).port) }
  }
  const first = await start()
  await using proxy = await startTcpProxy(first.port)
  const tab = openChat(urlOf(proxy))
  const sent = tab.chat.sendMessage({ text: 'Why?' })
  script.say('Because ')
  await expect.poll(tab.answer).toBe('Because ')
  const next = await start()
  proxy.target = next.port
  proxy.cut()
  await sent
  expect(tab.chat.error?.message).toMatch('The run is no longer known.')
  expect(tab.answer()).toBe('Because ')
  for (const { channels, server } of [first, next]) {
    await server[Symbol.asyncDispose]()
    await channels.close()
  }
})
