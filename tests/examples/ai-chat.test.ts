import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import type { Browser, Page } from 'playwright-core'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startChromium } from '../support/chromium.ts'
import { type Command, exampleFolder, runScript } from '../support/command.ts'
import { root } from '../support/pages.ts'
import { freePort, startRedis } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const folder = exampleFolder('ai-chat')
const screenshots = join(root, 'tests/examples/screenshots')

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
  rmSync(join(folder, 'dist'), { recursive: true, force: true })
  await using build = runScript(folder, ['build'])
  await build.says(/built in/)
  await build.stop()
}, 120_000)
afterAll(() => browser.close())

async function start(script: 'dev' | 'start', env: Record<string, string>): Promise<Command> {
  const server = runScript(folder, [script], env)
  await server.says(/http:\/\/localhost:\d+/)
  return server
}

/** Opens the chat at an address, in a separate browser. */
async function open(address: string): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(address)
  await page.getByLabel('Your question').waitFor()
  return page
}

const ask = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Your question').fill(text)
  await page.keyboard.press('Enter')
}
/** The answers of a page. */
const answers = (page: Page) => page.locator('article[data-role=assistant] p')
const says = (page: Page, text: string | RegExp): Promise<void> =>
  answers(page).filter({ hasText: text }).last().waitFor()
const untilReady = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Send' }).waitFor()

describe('the chat, in memory', () => {
  let server: Command
  let port: number
  let address: string
  beforeAll(async () => {
    port = await freePort()
    address = `http://127.0.0.1:${port}`
    server = await start('start', { PORT: `${port}` })
  })
  afterAll(() => server.stop())

  it('continues an answer after a reload, and shows all of it once', async () => {
    const page = await open(address)
    await page.getByText('Ask anything.').waitFor()
    await page.screenshot({ path: join(screenshots, 'ai-chat-empty.png') })
    await page.getByRole('button', { name: 'What happens if I reload?' }).click()
    await says(page, /^This answer is a run/)
    await page.screenshot({ path: join(screenshots, 'ai-chat-streaming.png') })
    await page.reload()
    await says(page, /^This answer is a run/)
    await says(page, /waiting for ever\.$/)
    await untilReady(page)
    expect(await answers(page).count()).toBe(1)
    const before = await answers(page).allTextContents()
    await page.reload()
    await says(page, /waiting for ever\.$/)
    expect(await answers(page).allTextContents()).toEqual(before)
  })

  it('is stopped from another tab, by the keyboard, for both', async () => {
    const page = await open(address)
    await ask(page, 'Tell me slowly')
    await says(page, /a run/)
    const other = await open(page.url())
    await says(other, /a run/)
    await other.keyboard.press('Escape')
    for (const each of [page, other]) {
      await each.getByText('Stopped').waitFor()
      await untilReady(each)
    }
    expect(await answers(page).allTextContents()).toEqual(await answers(other).allTextContents())
    await page.setViewportSize({ width: 360, height: 740 })
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await page.screenshot({ path: join(screenshots, 'ai-chat-stopped-dark-narrow.png') })
    await page.reload()
    await page.getByText('Stopped').waitFor()
  })

  it('shows a question from another tab, and its answer as it arrives', async () => {
    const page = await open(address)
    const other = await open(page.url())
    await ask(page, 'First, slowly')
    await other.getByText('First, slowly').waitFor()
    await says(other, /a run/)
    await page.getByRole('button', { name: 'Stop' }).click()
    await untilReady(other)
    await ask(other, 'Second, slowly')
    await page.getByText('Second, slowly').waitFor()
    await expect.poll(() => answers(page).count()).toBe(2)
    await page.keyboard.press('Escape')
    for (const each of [page, other]) await untilReady(each)
    expect(await answers(page).count()).toBe(2)
    expect(await answers(page).allTextContents()).toEqual(await answers(other).allTextContents())
  })

  it('reports that the model failed, keeps its text, and tries again', async () => {
    const page = await open(address)
    await ask(page, 'Break, please')
    const alert = page.getByRole('alert')
    await alert.getByText('Failed. The model reported an error.').waitFor()
    await says(page, 'Of course. I have a short list of ')
    await page.screenshot({ path: join(screenshots, 'ai-chat-failed.png') })
    await page.reload()
    await alert.getByText('Failed.').waitFor()
    await alert.getByRole('button', { name: 'Try again' }).click()
    await alert.waitFor({ state: 'detached' })
    await alert.getByText('Failed.').waitFor()
    expect(await answers(page).count()).toBe(1)
  })

  it('reports that it is offline, and gets the rest of the answer when it is back', async () => {
    await using proxy = await startTcpProxy(port)
    const page = await open(`http://127.0.0.1:${proxy.port}`)
    await ask(page, 'Tell me')
    await says(page, /a run/)
    proxy.refusing = true
    proxy.cut()
    await page.getByText('Offline').waitFor()
    proxy.refusing = false
    await says(page, /waiting for ever\.$/)
    await page.getByText('Connected').waitFor()
  })
})

// They wait for a lease to end, and for a page that gives up, each with its own servers.
it.concurrent('with Redis and two processes, reports in all tabs that a server died, and continues', async ({
  expect,
}) => {
  await using redis = await startRedis()
  const port = await freePort()
  const server = await start('start', { PORT: `${port}`, REDIS_URL: redis.url })
  const page = await open(`http://127.0.0.1:${port}`)
  const other = await open(page.url())
  await ask(page, 'Crash, please')
  for (const each of [page, other]) {
    await each.getByRole('alert').getByText('Abandoned.').waitFor()
    await untilReady(each)
  }
  expect(await answers(page).allTextContents()).toEqual(await answers(other).allTextContents())
  await page.screenshot({ path: join(screenshots, 'ai-chat-abandoned.png') })
  await ask(other, 'Still there?')
  for (const each of [page, other]) await says(each, /waiting for ever\.$/)
  await server.stop()
})

it.concurrent('with Redis, asks again if the server stopped between the question and its answer', async ({
  expect,
}) => {
  await using redis = await startRedis()
  const port = await freePort()
  await using server = await start('start', { PORT: `${port}`, REDIS_URL: redis.url })
  const page = await open(`http://127.0.0.1:${port}`)
  await ask(page, 'First')
  await says(page, /waiting for ever\.$/)
  const chatId = new URL(page.url()).searchParams.get('chat') ?? ''
  await storeQuestion(redis.url, chatId, 'Second')
  await page.reload()
  const alert = page.getByRole('alert')
  await alert.getByText('Not answered. The server stopped before it began.').waitFor()
  await alert.getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => answers(page).count()).toBe(2)
  await untilReady(page)
  await page.reload()
  await says(page, /waiting for ever\.$/)
  expect(await page.getByText('Second', { exact: true }).count()).toBe(1)
  expect(await answers(page).count()).toBe(2)
  await server.stop()
})

/** Stores a question as the example does before it starts the answer. */
async function storeQuestion(url: string, chatId: string, text: string): Promise<void> {
  const { turns, ...channels } = createChannels({
    backend: redisBackend({ url }),
    transformer: superjson,
    channels: {
      turns: channel({
        params: z.object({ chatId: z.string() }),
        event: z.object({
          runId: z.string(),
          question: z.object({ id: z.string(), text: z.string() }),
        }),
      }),
    },
  })
  await turns({ chatId }).publish({ runId: 'lost', question: { id: 'lost', text } })
  await channels.close()
}

it.concurrent('serves the API and the page from one process in development', async () => {
  const port = await freePort()
  await using _server = await start('dev', { PORT: `${port}` })
  const page = await open(`http://127.0.0.1:${port}`)
  await ask(page, 'Break, please')
  await page.getByRole('alert').getByText('Failed.').waitFor()
})
