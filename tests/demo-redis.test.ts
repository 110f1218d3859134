import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { startChromium } from './support/chromium.ts'
import { type Demo, startDemo } from './support/demo.ts'
import {
  answerOf,
  ask,
  caughtUp,
  countOf,
  messages,
  openDemo,
  say,
  signInAs,
  untilLive,
  untilOneLeads,
  untilOnline,
  untilOpen,
} from './support/demo-page.ts'
import { type RedisServer, startRedis } from './support/redis.ts'

const screenshots = join(import.meta.dirname, '../apps/demo/screenshots')

let browser: Browser
let redis: RedisServer
let demo: Demo
let context: BrowserContext

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

beforeEach(async () => {
  redis = await startRedis()
  demo = await startDemo({ redisUrl: redis.url })
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
})
afterEach(async () => {
  await context.close()
  await demo.stop()
  await redis[Symbol.asyncDispose]()
})

/** Returns the number of the instance that serves the page. */
async function instanceOf(page: Awaited<ReturnType<typeof openDemo>>): Promise<string> {
  const row = await page.locator('[data-where=browser]').textContent()
  return /instance (\d)/.exec(row ?? '')?.[1] ?? 'none'
}

it('an answer continues wherever its producer is, until that is killed', async () => {
  const page = await openDemo(context, demo.url)
  await ask(page)
  const served = await instanceOf(page)
  await answerOf(page, 3)
  await page.getByRole('button', { name: 'Cut the connection' }).click()
  await expect.poll(() => instanceOf(page)).not.toBe(served)
  await answerOf(page, 20)
  await page.getByRole('button', { name: 'Kill the producer' }).click()
  await page.getByText(/Abandoned after \d+ words/).waitFor()
})

it('two instances behind one address share the chat', async () => {
  const ada = await openDemo(context, demo.url)
  const grace = await openDemo(browser, demo.url)
  await ada.getByText('Redis, 2 server instances').waitFor()
  const sent: string[] = []
  const seen = new Set<string>()
  // Each cut leads to the next instance, until both have served the page.
  while (seen.size < 2) {
    await untilLive(ada)
    seen.add(await instanceOf(ada))
    await ada.getByRole('button', { name: 'Cut the connection' }).click()
    await ada.locator('.outcome[data-phase=away]').waitFor()
    for (const text of [`${seen.size}: first`, `${seen.size}: second`]) {
      await say(grace, text)
      sent.push(text)
    }
    expect(await caughtUp(ada)).toContain('0 missing, 0 repeated.')
  }
  expect(await messages(ada, sent.length)).toEqual(sent)
  expect(await messages(grace, sent.length)).toEqual(sent)
  for (const what of ['missing', 'repeated', 'gaps'])
    expect(await countOf(ada, 'all', what)).toBe(0)
  await ada.screenshot({ path: join(screenshots, 'two-instances.png') })
  await grace.context().close()
})

it('tabs share one connection to either instance, and another tab takes over when the leader closes', async () => {
  const grace = await openDemo(browser, demo.url)
  const tabs: Page[] = []
  for (let i = 0; i < 3; i++) tabs.push(await openDemo(context, demo.url))
  const { leader, others } = await untilOneLeads(tabs)
  await untilOpen(leader, 'server', 2)
  await say(leader, 'from the one that leads')
  for (const tab of tabs) await messages(tab, 1)
  await Promise.all([leader.close(), say(grace, 'meanwhile')])
  await untilOneLeads(others)
  for (const [i, tab] of others.entries()) await say(tab, `after ${i}`)
  for (const tab of [...others, grace]) {
    await untilOpen(tab, 'server', 2)
    expect(await messages(tab, 4)).toEqual([
      'from the one that leads',
      'meanwhile',
      'after 0',
      'after 1',
    ])
  }
  await grace.context().close()
})

it('a user on both instances is one member, and is signed out on both', async () => {
  const device = await browser.newContext()
  const other = await openDemo(browser, demo.url)
  const tabs = [await openDemo(context, demo.url), await openDemo(context, demo.url)]
  const pages = [...tabs, await openDemo(device, demo.url)]
  const [one, , second] = pages as [Page, Page, Page]
  await signInAs(one, 'Ada')
  await signInAs(second, 'Ada')
  for (const page of pages) await untilLive(page)
  const served = await instanceOf(one)
  // Each cut leads to the next instance.
  while ((await instanceOf(second)) === served) {
    await second.getByRole('button', { name: 'Cut the connection' }).click()
    await caughtUp(second)
  }
  await untilOnline(other, 'Ada', '3 tabs, 2 devices')
  await second.getByRole('button', { name: 'Sign me out everywhere' }).click()
  for (const page of pages) await page.getByText('You were signed out everywhere.').waitFor()
  await other.locator('[data-person=Ada]').waitFor({ state: 'detached' })

  await second.getByRole('button', { name: 'Sign in' }).click()
  await untilLive(second)
  await untilOnline(other, 'Ada', '1 tab')
  for (const tab of tabs) await tab.getByText('You were signed out everywhere.').waitFor()
  await Promise.all([device.close(), other.context().close()])
})

it('a limit holds for both instances together, and a page at the limit can reload', async () => {
  const page = await openDemo(context, demo.url)
  await page.getByRole('button', { name: 'Open streams until refused' }).click()
  await page.getByText('Stream 4 was refused: TOO_MANY_REQUESTS').waitFor()
  const row = page.locator('[data-limit=connectionsPerKey]')
  await row.locator('[data-what=used]', { hasText: '4' }).waitFor()
  await say(page, 'Still here')
  await page.reload()
  await untilLive(page)
  await row.locator('[data-what=used]', { hasText: '1' }).waitFor()
})

it('an outage of Redis is shown, and subscriptions continue when it is back', async () => {
  const page = await openDemo(context, demo.url)
  await say(page, 'before')
  await messages(page, 1)
  redis.freeze()
  await page.getByText('Redis does not answer.', { exact: true }).waitFor()
  await page.getByPlaceholder('Message #').fill('meanwhile')
  await page.getByPlaceholder('Message #').press('Enter')
  await page.getByText('Not sent: Redis does not answer. Your text is still here.').waitFor()
  await page.screenshot({ path: join(screenshots, 'redis-away.png') })
  redis.thaw()
  await untilLive(page)
  // The first attempt may have reached Redis. The same key makes it one message.
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await say(page, 'after')
  expect(await messages(page, 3)).toEqual(['before', 'meanwhile', 'after'])
})

it('a page that is opened during an outage says so, and connects when Redis is back', async () => {
  const page = await openDemo(context, demo.url)
  redis.freeze()
  await page.reload()
  await page
    .getByRole('alert')
    .getByText(/Not connected yet|The server does not answer/)
    .waitFor()
  const visitor = await browser.newPage()
  await visitor.goto(demo.url)
  await visitor.getByRole('heading', { name: 'Sign in' }).waitFor()
  redis.thaw()
  await untilLive(page)
  await visitor.getByLabel('Name').fill('Ada')
  await visitor.getByRole('button', { name: 'Sign in' }).click()
  await untilLive(visitor)
  await visitor.context().close()
})

it('a killed load balancer leaves no instance behind', async () => {
  const pid = demo.process.pid
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .map(Number)
  expect(children).toHaveLength(2)
  await demo.stop('SIGKILL')
  await expect.poll(() => children.filter(isAlive), { timeout: 10_000 }).toEqual([])
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
