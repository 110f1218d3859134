import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { type Command, exampleFolder, runCommand, runScript } from '../support/command.ts'
import { listen } from '../support/http.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const folder = exampleFolder('hono')
const screenshots = join(root, 'tests/examples/screenshots')
const bin = join(root, 'tests/node_modules/.bin')

/** The commands of the example's README. */
const runtimes = [
  { name: 'Node', run: (port: number) => runScript(folder, ['dev'], { PORT: `${port}` }) },
  {
    name: 'Bun',
    run: (port: number) => runCommand(folder, [join(bin, 'bun'), 'app.ts'], { PORT: `${port}` }),
  },
  {
    name: 'Deno',
    run: (port: number) =>
      runCommand(folder, [
        join(bin, 'deno'),
        ...[
          'serve',
          '--port',
          `${port}`,
          '--allow-net',
          '--allow-read',
          '--allow-env=NODE_ENV,PORT',
          'app.ts',
        ],
      ]),
  },
] as const

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

async function openWall(context: BrowserContext, port: number): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${port}`)
  await page.getByText('Live').waitFor()
  return page
}

async function pin(page: Page, text: string): Promise<void> {
  await page.getByLabel('Your note').fill(text)
  await page.getByRole('button', { name: 'Pin' }).click()
}

const notes = (page: Page): Promise<string[]> => page.getByRole('listitem').allTextContents()

function notesOnce(page: Page, texts: readonly string[]): Promise<void> {
  return vi.waitFor(async () => expect(await notes(page)).toEqual(texts), {
    timeout: 30_000,
    interval: 50,
  })
}

async function listening(port: number): Promise<void> {
  await vi.waitFor(() => fetch(`http://127.0.0.1:${port}`), { timeout: 15_000, interval: 20 })
}

describe.each(runtimes)('the wall on $name', ({ run }) => {
  it('shows a note in all windows, and those published while offline once and in order', async () => {
    const port = await freePort()
    await using _server: Command = run(port)
    await listening(port)
    await using proxy = await startTcpProxy(port)
    const context = await browser.newContext({ colorScheme: 'light' })
    const [one, two] = [await openWall(context, port), await openWall(context, proxy.port)]
    await one.getByText('Nothing here yet.').waitFor()
    await one.screenshot({ path: join(screenshots, 'hono-empty.png') })
    await pin(one, 'first')
    for (const page of [one, two]) await notesOnce(page, ['first'])

    proxy.refusing = true
    proxy.cut()
    await two.getByText('Offline').waitFor()
    await pin(one, 'second')
    await pin(one, 'third')
    await pin(two, 'mine')
    await two.getByText('Not pinned. Your note is still here').waitFor()
    expect(await notes(two)).toEqual(['first'])
    await two.screenshot({ path: join(screenshots, 'hono-offline.png') })
    proxy.refusing = false
    await notesOnce(two, ['third', 'second', 'first'])
    await two.getByRole('button', { name: 'Pin' }).click()
    for (const page of [one, two]) await notesOnce(page, ['mine', 'third', 'second', 'first'])
    await one.emulateMedia({ colorScheme: 'dark' })
    await one.setViewportSize({ width: 360, height: 740 })
    expect(await one.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await one.screenshot({ path: join(screenshots, 'hono-dark-narrow.png') })
    await context.close()
  })
})

it('the wall reports missing notes once, even if it reconnects after that', async () => {
  const [before, after] = [await freePort(), await freePort()]
  await using first: Command = runtimes[0].run(before)
  await using _second: Command = runtimes[0].run(after)
  await using down = await listen((_, res) => res.writeHead(502).end())
  for (const port of [before, after]) await listening(port)
  await using proxy = await startTcpProxy(before)
  const context = await browser.newContext()
  const page = await openWall(context, proxy.port)
  await pin(page, 'lost with its server')
  await notesOnce(page, ['lost with its server'])

  proxy.target = after
  await first.stop()
  const missing = 'Notes are missing here: the server has lost them.'
  await notesOnce(page, [missing, 'lost with its server'])

  // EventSource gives up after such a response, and the page opens a new one.
  proxy.target = Number(new URL(down.url).port)
  proxy.cut()
  await page.waitForResponse((response) => response.status() === 502)
  proxy.target = after
  proxy.cut()
  await page.getByText('Live').waitFor()
  await pin(page, 'first here')
  await notesOnce(page, ['first here', missing, 'lost with its server'])
  await context.close()
})
