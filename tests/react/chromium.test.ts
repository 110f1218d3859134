import { setInterval } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { type App, serveApp } from './app.ts'
import type { TestPage } from './page.tsx'

declare const page: TestPage

let browser: Browser
let app: App
let tab: Page
let failures: string[]

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())
beforeEach(async () => {
  app = await serveApp()
  tab = await browser.newPage()
  failures = []
  tab.on('pageerror', (error) => failures.push(error.message))
})
afterEach(async () => {
  expect(failures).toEqual([])
  await tab.close()
  await app[Symbol.asyncDispose]()
})

async function open(component: string, search = ''): Promise<void> {
  await tab.goto(app.url + search)
  await tab.evaluate((name) => page.mount(name), component)
}

/** Waits until the elements have these texts. */
async function expectText(selector: string, ...texts: string[]): Promise<void> {
  await vi.waitFor(
    async () => expect(await tab.locator(selector).allTextContents()).toEqual(texts),
    {
      timeout: 10_000,
      interval: 20,
    },
  )
}

/** Publishes 1,000 events a second. */
async function publishTicks(count: number): Promise<void> {
  const startedMs = performance.now()
  let published = 0
  for await (const _ of setInterval(10)) {
    const due = Math.min(count, Math.floor(performance.now() - startedMs))
    await app.channels.ticks().publishMany(range(published + 1, due))
    published = due
    if (published === count) return
  }
}

const shown = (): Promise<string[]> => tab.evaluate(() => page.seen.shown)
const put = (text: string, list = 'a') => app.put(list, { id: text, text })

describe('useLive in StrictMode, in Chromium', () => {
  it('applies 1,000 events a second for 10 seconds, in no more renders than frames', async () => {
    await open('Ticks')
    await expect.poll(() => app.link.stats().subscriptions).toBe(1)
    await tab.evaluate(() => page.probe())
    await publishTicks(10_000)
    await expect.poll(() => tab.evaluate(() => page.seen.ticks.length)).toBe(10_000)
    expect(await tab.evaluate(() => page.seen.ticks)).toEqual(range(1, 10_000))
    const { commits, counts } = await tab.evaluate(() => ({
      commits: page.seen.commits - page.counts.commitsBefore,
      counts: page.counts,
    }))
    expect(commits).toBeGreaterThan(20)
    expect(commits).toBeLessThanOrEqual(counts.frames + 1)
    // Other tasks get their turns between renders.
    expect(counts.otherTasks).toBeGreaterThan(commits / 2)
    const rows = async (): Promise<number[]> =>
      (await tab.locator('li').allTextContents()).map(Number).sort((a, b) => a - b)
    await expect.poll(rows).toEqual(range(9_801, 10_000))
  })

  it('shares one subscription and one connection between components and mounts', async () => {
    await put('one')
    await open('Lists')
    await expectText('main:nth-of-type(1) li', 'one')
    await expectText('main:nth-of-type(2) li', 'one')
    await put('two')
    await expectText('main:nth-of-type(1) li', 'one', 'two')
    await expectText('main:nth-of-type(2) li', 'one', 'two')
    // One shared subscription to list a, and one to list b.
    expect(app.state.runs).toBe(2)
    expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 2 })
    await tab.evaluate(() => page.unmount())
    await expect.poll(() => app.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })

  it('shows the entries of a state channel: new, changed, removed, and missed', async () => {
    const seats = app.channels.seats()
    await seats.set('2b', 'ann')
    await open('Seats')
    await expectText('li', '2b ann')
    await seats.set('1a', 'bob')
    await seats.set('2b', 'cid')
    await expectText('li', '1a bob', '2b cid')
    await seats.delete('1a')
    await expectText('li', '2b cid')
    app.goAway()
    await seats.delete('2b')
    for (const row of range(1, 9)) await seats.set(`${row}c`, 'dan')
    app.comeBack()
    await expectText('li', ...range(1, 9).map((row) => `${row}c dan`))
  })

  it('starts again with another input, within a transition', async () => {
    await put('of b', 'b')
    await put('of c', 'c')
    await open('Lists')
    await expectText('section li', 'of b')
    await tab.click('#other')
    await expectText('section li', 'of c')
    await put('more of b', 'b')
    await put('more of c', 'c')
    await expectText('section li', 'more of c', 'of c')
  })

  it('continues from the server-rendered state, without missing events published meanwhile', async () => {
    await put('one')
    await tab.goto(`${app.url}/rendered`)
    await expectText('li', 'one')
    expect(app.state.runs).toBe(0)
    await put('two')
    await tab.evaluate(() => page.hydrate())
    await expectText('li', 'one', 'two')
    await put('zwei')
    await expectText('li', 'one', 'two', 'zwei')
    expect(await tab.evaluate(() => page.recovered)).toEqual([])
    // It resumed from that state with events, without a snapshot.
    expect(await shown()).toEqual(['one', 'one,two', 'one,two,zwei'])
    await expectText('#status', 'pending')
    await expectText('#connection', 'pending')
  })

  it('shows an optimistic event at once, and never twice', async () => {
    await put('a')
    await open('Todos')
    await expectText('li', 'a')
    await expectText('#status', 'pending')
    await tab.fill('input', 'b')
    await tab.click('main button')
    await expectText('li', 'a', 'b')
    // The event, and others, arrive before the answer, which the server delays.
    const answer = await app.answers.take()
    await put('c')
    await expectText('li', 'a', 'b', 'c')
    answer()
    await put('d')
    await expectText('li', 'a', 'b', 'c', 'd')
    await tab.fill('input', 'refused')
    expect(await shown()).toEqual(['', 'a', 'a,b', 'a,b,c', 'a,b,c,d'])
  })

  it('removes an optimistic event that is refused', async () => {
    await open('Todos')
    await expectText('#status', 'pending')
    await tab.fill('input', 'refused')
    await tab.click('main button')
    await expect.poll(async () => (await shown()).slice(-2)).toEqual(['refused', ''])
    await expectText('li')
  })

  it('keeps its data while offline, reports it, and catches up', async () => {
    await put('a')
    await open('Todos')
    await expectText('li', 'a')
    await expectText('#status', 'pending')
    app.goAway()
    await expectText('#status', 'connecting')
    await expectText('#connection', 'connecting')
    await expect.poll(() => tab.locator('#error').textContent()).not.toBe('')
    await expectText('li', 'a')
    await put('b')
    await put('c')
    app.comeBack()
    await expectText('li', 'a', 'b', 'c')
    await expectText('#status', 'pending')
    await expectText('#error', '')
  })

  it("works with tRPC's own link", async () => {
    await put('a')
    await open('Todos', '/?stock')
    await expectText('li', 'a')
    await expectText('#status', 'pending')
    app.goAway()
    await expectText('#status', 'connecting')
    await put('b')
    app.comeBack()
    await expectText('li', 'a', 'b')
    await expectText('#status', 'pending')
  })

  it('works in React 18', async () => {
    await using other = await serveApp({
      alias: { react: 'react-18', 'react-dom': 'react-dom-18' },
    })
    await other.put('a', { id: 'a', text: 'a' })
    await tab.goto(other.url)
    await tab.evaluate(() => page.mount('Todos'))
    expect(await tab.evaluate(() => page.version)).toMatch(/^18/)
    await expectText('li', 'a')
    await expectText('#status', 'pending')
    other.goAway()
    await expectText('#status', 'connecting')
    await other.put('a', { id: 'b', text: 'b' })
    other.comeBack()
    await expectText('li', 'a', 'b')
    expect(other.link.stats()).toMatchObject({ connections: 1, subscriptions: 1 })
  })

  it('shows the error that ended it, and keeps its data', async () => {
    await open('Forbidden')
    await expectText('#status', 'error not yours 5')
  })

  it('continues from a query, writes to its cache, and shows a gap until a reload', async () => {
    await app.click(3)
    await open('Clicks')
    await expectText('#clicks', '3')
    await expectText('#status', 'pending')
    await app.click(2)
    await expectText('#clicks', '5')
    await expectText('#cached', '5')
    app.goAway()
    await expectText('#status', 'connecting')
    await app.click(20)
    app.comeBack()
    // The channel retains only five events.
    await expectText('#gap', 'trimmed')
    await expectText('#clicks', '10')
    await tab.click('button')
    await expectText('#clicks', '25')
    await expectText('#gap', '')
    await app.click(1)
    await expectText('#clicks', '26')
    await expectText('#cached', '26')
    // A later mount continues from the cache.
    await tab.evaluate(() => page.unmount())
    await app.click(4)
    await tab.evaluate(() => page.mount('Clicks'))
    await expectText('#clicks', '30')
  })
})

describe('useRun in StrictMode, in Chromium', () => {
  /** Yields the number 1 `count` times, 500 times a second. */
  async function* ones(count: number) {
    const startedMs = performance.now()
    let yielded = 0
    for await (const _ of setInterval(10)) {
      const due = Math.min(count, Math.floor((performance.now() - startedMs) / 2))
      for (; yielded < due; yielded++) yield 1
      if (yielded === count) return
    }
  }
  const deltas = 2_000

  it('shows 500 deltas a second in no more renders than frames, from the value at its start', async () => {
    const producing = app.channels.answer().produce(ones(deltas))
    await expect.poll(async () => (await app.channels.answer().status()).value).toBeGreaterThan(200)
    await open('Answer')
    await expectText('#status', 'running')
    await tab.evaluate(() => page.probe())
    await producing
    await expectText('#status', 'completed')
    await expectText('#value', `${deltas}`)
    const { commits, counts } = await tab.evaluate(() => ({
      commits: page.seen.commits - page.counts.commitsBefore,
      counts: page.counts,
    }))
    expect(commits).toBeGreaterThan(10)
    expect(commits).toBeLessThanOrEqual(counts.frames + 1)
    // Nothing, then the value, then each frame: the deltas before it were never replayed.
    const [nothing, first] = await tab.evaluate(() => page.seen.answers)
    expect(nothing).toBe('undefined behind')
    expect(first).toMatch(/^\d{3,} caught up$/)
  })

  it('continues after an outage, and is stopped by a button', async () => {
    const endless = app.channels.answer().produce(async function* ({ signal }) {
      yield 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    await open('Answer')
    await expectText('#value', '1')
    app.goAway()
    await expectText('#status', 'connecting')
    await expectText('#value', '1')
    app.comeBack()
    await expectText('#status', 'running')
    await tab.click('button')
    await expectText('#status', 'stopped')
    await expectText('#reason', 'enough')
    expect((await endless).status).toBe('stopped')
  })

  // https://github.com/get-convex/persistent-text-streaming/issues/19
  it('shows nothing of one run in the next one that its component follows', async () => {
    const more = createInbox<number>()
    const first = app.channels.sum('a').produce(async function* () {
      yield* [1, 2]
      yield await more.take()
    })
    await open('Sums')
    await expectText('#sum', 'a: 3, running')
    await tab.click('button')
    await expectText('#sum', 'b: 0, running')
    more.put(100)
    await first
    const second = await app.channels.sum('b').produce(ones(5))
    expect(second.status).toBe('completed')
    await expectText('#sum', 'b: 5, completed')
    const shown = await tab.evaluate(() => page.seen.answers)
    const ofSecond = shown.filter((text) => text.startsWith('b:'))
    expect(ofSecond[0]).toMatch(/^b: undefined, /)
    for (const text of ofSecond) expect(text).toMatch(/^b: (undefined|[0-5]), /)
  })

  it("says that a run has failed with tRPC's own link, too, and keeps its value", async () => {
    const failed = await app.channels.answer().produce(async function* () {
      yield 1
      throw new Error('secret')
    })
    expect(failed.status).toBe('failed')
    await open('Answer', '/?stock')
    await expectText('#status', 'failed')
    await expectText('#value', '1')
  })
})
