import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { range } from '../support/numbers.ts'
import { type App, rooms, serveApp } from './app.ts'
import type { TestPage } from './page.ts'

declare const page: TestPage

let browser: Browser
let context: BrowserContext
let app: App

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  app = await serveApp()
  context = await browser.newContext()
})
afterEach(async () => {
  await context.close()
  await app[Symbol.asyncDispose]()
})

async function openTab(user = 'ada'): Promise<Page> {
  const tab = await context.newPage()
  await tab.goto(`${app.url}/?user=${user}`)
  await tab.evaluate((all) => page.follow(all), rooms)
  return tab
}

/** Five tabs, and which of them leads. */
async function openFive(): Promise<{ leader: Page; others: Page[] }> {
  const tabs: Page[] = []
  for (let i = 0; i < 5; i++) tabs.push(await openTab())
  const leads = await Promise.all(tabs.map((tab) => tab.evaluate(() => page.isLeader())))
  expect(leads.filter(Boolean).length).toBe(1)
  const leader = tabs[leads.indexOf(true)]
  if (!leader) throw new Error('No tab leads.')
  return { leader, others: tabs.filter((tab) => tab !== leader) }
}

/** Waits until a tab has all that was published, and checks that it has nothing else. */
async function expectAll(...tabs: Page[]): Promise<void> {
  for (const tab of tabs) {
    await tab.waitForFunction(
      ([all, last]) => all.every((room) => page.numbers[room]?.at(-1) === last),
      [rooms, app.last()] as const,
      { polling: 20 },
    )
    const { numbers, troubles } = await tab.evaluate(() => page)
    expect(troubles).toEqual([])
    expect(numbers).toEqual(Object.fromEntries(rooms.map((room) => [room, range(1, app.last())])))
  }
}

async function publishMany(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await app.publish()
}

/** Publishes all the time until something is done. */
async function publishDuring(something: () => Promise<unknown>): Promise<void> {
  let isDone = false
  const done = something().finally(() => {
    isDone = true
  })
  while (!isDone) {
    await app.publish()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await done
}

const oneStream = (): Promise<void> =>
  vi.waitFor(() => expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 3 }), 20_000)

const session = (tab: Page): Promise<CDPSession> => context.newCDPSession(tab)

describe('five tabs in Chromium', () => {
  it('have one stream, and each gets everything', async () => {
    const { leader, others } = await openFive()
    await publishMany(20)
    await expectAll(leader, ...others)
    await oneStream()
  })

  it('R16: go on with another one when the one that leads is closed', async () => {
    const { leader, others } = await openFive()
    await publishMany(5)
    await publishDuring(() => leader.close())
    await publishMany(20)
    await expectAll(...others)
    await oneStream()
  })

  it('R16: go on when the one that leads crashes', async () => {
    const { leader, others } = await openFive()
    await publishMany(5)
    const crashed = leader.waitForEvent('crash')
    // It has no time to answer.
    const killed = (await session(leader)).send('Page.crash').catch(() => {})
    await publishDuring(() => crashed)
    await publishMany(20)
    await expectAll(...others)
    await oneStream()
    void killed
  })

  it('R16: go on when the one that leads is frozen, and so does that when it is thawed', async () => {
    const { leader, others } = await openFive()
    await publishMany(5)
    const cdp = await session(leader)
    await publishDuring(() => cdp.send('Page.setWebLifecycleState', { state: 'frozen' }))
    await publishMany(20)
    await expectAll(...others)
    await cdp.send('Page.setWebLifecycleState', { state: 'active' })
    await publishMany(20)
    await expectAll(leader, ...others)
    await oneStream()
  })

  it('R16: go on when the one that leads stands still without a word, and so does that afterwards', async () => {
    const { leader, others } = await openFive()
    await publishMany(5)
    const cdp = await session(leader)
    await cdp.send('Debugger.enable')
    const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve))
    await cdp.send('Debugger.pause')
    await publishDuring(() => paused)
    await publishMany(20)
    await expectAll(...others)
    await cdp.send('Debugger.resume')
    await cdp.send('Debugger.disable')
    await publishMany(20)
    await expectAll(leader, ...others)
    await oneStream()
  })

  it('do not share what somebody else sees', async () => {
    const ada = await openTab('ada')
    const grace = await openTab('grace')
    const too = await openTab('ada')
    expect(app.link.stats()).toMatchObject({ connections: 2, subscriptions: 6 })
    await publishMany(20)
    await expectAll(ada, grace, too)
    await ada.close()
    await publishMany(5)
    await expectAll(grace, too)
  })
})
