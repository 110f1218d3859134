import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { type Command, exampleFolder, runScript } from '../support/command.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const folder = exampleFolder('express-react')
const screenshots = join(root, 'tests/examples/screenshots')

let browser: Browser
let contexts: BrowserContext[] = []
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())
beforeEach(() => {
  contexts = []
})
afterEach(async () => {
  for (const context of contexts) await context.close()
})

async function start(script: 'dev' | 'start', port: number): Promise<Command> {
  const server = runScript(folder, [script], { PORT: `${port}` })
  await server.says(/http:\/\/localhost:\d+/)
  return server
}

async function openContext(): Promise<BrowserContext> {
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  contexts.push(context)
  return context
}

async function openPage(context: BrowserContext, port: number): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${port}`)
  return page
}

/** Signs in a user in a new browser. */
async function signIn(user: string, port: number): Promise<Page> {
  const page = await openPage(await openContext(), port)
  await page.getByLabel('Your name').fill(user)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await untilLive(page)
  return page
}

const untilLive = (page: Page): Promise<void> =>
  page.locator('.pill[data-status=pending]').waitFor()
const vote = (page: Page, choice: string): Promise<void> =>
  page.getByRole('button', { name: choice }).click()
const untilVoted = (page: Page, choice: string, voters: string): Promise<void> =>
  page.getByRole('button', { name: choice }).getByText(voters, { exact: true }).waitFor()

describe('the poll, as deployed', () => {
  let server: Command
  let port: number
  beforeAll(async () => {
    rmSync(join(folder, 'dist'), { recursive: true, force: true })
    await using build = runScript(folder, ['build'])
    await build.says(/built in/)
    await build.stop()
  }, 120_000)
  beforeEach(async () => {
    port = await freePort()
    server = await start('start', port)
  })
  afterEach(() => server.kill())

  it('shows a vote in all windows, and only the latest of each user', async () => {
    expect(existsSync(join(folder, 'dist/index.html'))).toBe(true)
    const [ada, joe] = [await signIn('ada', port), await signIn('joe', port)]
    await ada.getByText('Nobody yet').first().waitFor()
    await vote(ada, 'Ramen')
    await vote(joe, 'Ramen')
    for (const page of [ada, joe]) await untilVoted(page, 'Ramen', 'ada, joe')
    await vote(joe, 'Pizza')
    for (const page of [ada, joe]) {
      await untilVoted(page, 'Ramen', 'ada')
      await untilVoted(page, 'Pizza', 'joe')
    }
    await ada.screenshot({ path: join(screenshots, 'express-light.png') })
    await ada.emulateMedia({ colorScheme: 'dark' })
    await ada.setViewportSize({ width: 360, height: 740 })
    expect(await ada.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    await ada.screenshot({ path: join(screenshots, 'express-dark-narrow.png') })
  })

  it('shows votes missed while offline, and removes a vote that was not counted', async () => {
    await using proxy = await startTcpProxy(port)
    const [away, there] = [await signIn('away', proxy.port), await signIn('there', port)]
    await vote(away, 'Tacos')
    await untilVoted(there, 'Tacos', 'away')
    proxy.refusing = true
    proxy.cut()
    await away.getByText('Offline').waitFor()
    await vote(there, 'Falafel')
    await vote(away, 'Falafel')
    await away.getByText('Your vote was not counted.').waitFor()
    await untilVoted(away, 'Tacos', 'away')
    await away.screenshot({ path: join(screenshots, 'express-offline.png') })
    proxy.refusing = false
    await untilVoted(away, 'Falafel', 'there')
    await untilLive(away)
  })

  it('refuses clients without a session, and shows the sign-in in every window after signing out', async () => {
    for (const cookie of ['', 'session=', 'session=undefined']) {
      const answer = await fetch(`http://127.0.0.1:${port}/trpc/onVotes`, { headers: { cookie } })
      expect(await answer.text()).toContain('"code":"UNAUTHORIZED"')
      const posted = await fetch(`http://127.0.0.1:${port}/trpc/vote`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json' },
        body: '"Ramen"',
      })
      expect(posted.status).toBe(401)
    }
    const one = await signIn('kay', port)
    const two = await openPage(one.context(), port)
    await untilLive(two)
    await one.getByRole('button', { name: 'Sign out' }).click()
    for (const page of [one, two]) await page.getByLabel('Your name').waitFor()
    await one.screenshot({ path: join(screenshots, 'express-sign-in.png') })
  })

  it('asks to sign in again after a restart, which loses the sessions', async () => {
    const page = await signIn('lin', port)
    await vote(page, 'Pizza')
    await untilVoted(page, 'Pizza', 'lin')
    await server.kill()
    await page.getByText('Offline').waitFor()
    server = await start('start', port)
    await page.getByLabel('Your name').fill('lin')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await untilLive(page)
    await untilVoted(page, 'Pizza', 'Nobody yet')
    await vote(page, 'Tacos')
    await untilVoted(page, 'Tacos', 'lin')
  })
})

it('serves the API and the page from one process in development', async () => {
  const port = await freePort()
  await using _server = await start('dev', port)
  const page = await signIn('ada', port)
  await vote(page, 'Ramen')
  await untilVoted(page, 'Ramen', 'ada')
})
