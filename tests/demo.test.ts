import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { useBrowser } from './support/browsers/browser.ts'
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
  untilOpen,
} from './support/demo-page.ts'

const screenshots = join(import.meta.dirname, '../apps/demo/screenshots')

const browser = useBrowser(startChromium)

interface Fixtures {
  readonly demo: Demo
  readonly context: BrowserContext
}

/** Each test has a server with empty logs, and a browser without storage. */
const it = test.extend<Fixtures>({
  demo: async ({ task: _ }, use) => {
    await using demo = await startDemo()
    await use(demo)
  },
  context: async ({ task: _ }, use) => {
    const viewport = { width: 1440, height: 900 }
    await using context = await browser().newContext({ viewport, colorScheme: 'light' })
    await use(context)
  },
})

describe('the chat', () => {
  it('shows two people what each other sends', async ({ demo }) => {
    const ada = await openDemo(browser(), demo.url)
    const grace = await openDemo(browser(), demo.url)
    await say(ada, 'Hello?')
    await say(grace, 'Hello, Ada.')
    expect(await messages(ada, 2)).toEqual(['Hello?', 'Hello, Ada.'])
    expect(await messages(grace, 2)).toEqual(['Hello?', 'Hello, Ada.'])
    await Promise.all([ada.context().close(), grace.context().close()])
  })

  it('shows a late joiner the earlier messages, and keeps rooms apart', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    await say(page, 'In the lobby')
    await page.getByText('#engineering').click()
    await say(page, 'Among engineers')
    const later = await openDemo(context, demo.url)
    expect(await messages(later, 1)).toEqual(['In the lobby'])
    await later.getByText('#engineering').click()
    await later.getByText('Among engineers').waitFor()
    expect(await messages(later, 1)).toEqual(['Among engineers'])
  })

  it('can be used with the keyboard alone', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.type('Without a mouse')
    await page.keyboard.press('Enter')
    expect(await messages(page, 1)).toEqual(['Without a mouse'])

    await page.getByRole('radio', { name: '#lobby' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.getByPlaceholder('Message #engineering').focus()
    await page.keyboard.type('Here too')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    expect(await messages(page, 1)).toEqual(['Here too'])
  })

  it('keeps the name across a reload', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await signInAs(page, 'Ada')
    await page.reload()
    await untilLive(page)
    expect(await page.getByLabel('Your name').inputValue()).toBe('Ada')
  })

  it('still sends when more windows are open than a browser allows connections to one origin', async ({
    context,
    demo,
  }) => {
    const pages = await Promise.all(Array.from({ length: 8 }, () => openDemo(context, demo.url)))
    for (const [i, page] of pages.entries()) {
      await page.bringToFront()
      await say(page, `From window ${i}`)
    }
    // They signed in once, although they were opened at the same time.
    await pages[0]?.locator('.people', { hasText: '1 member' }).getByText('8 tabs').waitFor()
    for (const page of pages) {
      await page.bringToFront()
      expect(await messages(page, 8)).toEqual(pages.map((_, i) => `From window ${i}`))
    }
  })
})

// They spend most of their time waiting, so they run concurrently.
describe.concurrent('a loss', () => {
  it('of the network for ten seconds loses no event and repeats none', async ({
    context,
    demo,
  }) => {
    const away = await openDemo(context, demo.url)
    const there = await openDemo(browser(), demo.url)
    await say(away, 'I am about to enter a tunnel')
    await messages(there, 1)
    await away.getByRole('button', { name: 'Start a report' }).click()
    await away.getByRole('button', { name: 'No network' }).click()
    await away.locator('.pill[data-status=offline]').waitFor()
    for (const text of ['one', 'two', 'three']) await say(there, text)
    await there.getByRole('button', { name: 'Send five' }).click()
    await away.getByPlaceholder('Message #').fill('Can you hear me?')
    await away.getByPlaceholder('Message #').press('Enter')
    await away.getByText('Not sent: you are offline. Your text is still here.').waitFor()
    await away.screenshot({ path: join(screenshots, 'offline.png') })
    expect(await messages(away, 1)).toEqual(['I am about to enter a tunnel'])

    expect(await caughtUp(away)).toMatch(
      /^Caught up: \d+ events in 1\d\.\d s away, 0 missing, 0 repeated\.$/,
    )
    expect(await messages(away, 4)).toEqual(['I am about to enter a tunnel', 'one', 'two', 'three'])
    expect(await away.getByText('while you were away').count()).toBe(3)
    expect(await countOf(away, 'notifications.onNotification', 'received')).toBeGreaterThanOrEqual(
      5,
    )
    expect(await countOf(away, 'prices.onTick', 'received')).toBeGreaterThan(40)
    for (const what of ['missing', 'repeated', 'gaps'])
      expect(await countOf(away, 'all', what)).toBe(0)
    await away.screenshot({ path: join(screenshots, 'caught-up.png') })

    await away.getByRole('button', { name: 'Send', exact: true }).click()
    expect((await messages(there, 5)).at(-1)).toBe('Can you hear me?')
    await there.context().close()
  })

  it('of the connection is recovered, and nothing is missing or repeated', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    await page.getByRole('button', { name: 'Start a report' }).click()
    await page.locator('[data-subscription="jobs.onProgress"]').waitFor()
    await untilLive(page)
    await page.getByRole('button', { name: 'Cut the connection' }).click()
    expect(await caughtUp(page)).toMatch(
      /^Caught up: \d+ events? in \d+\.\d s away, 0 missing, 0 repeated\.$/,
    )
    for (const what of ['missing', 'repeated', 'gaps'])
      expect(await countOf(page, 'all', what)).toBe(0)
  })

  it('of the server is shown, and so is the gap after its memory was lost', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    await say(page, 'Remember me')
    await messages(page, 1)
    await demo.stop('SIGKILL')
    await page.getByText('The server does not answer.').waitFor()
    await page.screenshot({ path: join(screenshots, 'server-away.png') })
    await using _again = await startDemo({ port: Number(new URL(demo.url).port) })
    await untilLive(page)
    expect(await caughtUp(page)).toMatch(/0 missing, 0 repeated\. \d gaps? reported/)
    expect(await countOf(page, 'prices.onTick', 'gaps')).toBe(1)
    await page.screenshot({ path: join(screenshots, 'gap.png') })
    await say(page, 'You have forgotten')
    expect(await messages(page, 2)).toEqual(['Remember me', 'You have forgotten'])
  })
})

describe('the connection', () => {
  it('is one per browser, whatever the page subscribes to', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await untilOpen(page, 'browser', 1, 10)
    await page.getByText('opened once', { exact: true }).waitFor()
    await page.getByText('#engineering').click()
    await page.getByRole('button', { name: 'Start a report' }).click()
    await untilOpen(page, 'browser', 1, 11)
    await page.getByText('opened once, changed').waitFor()
    const other = await openDemo(browser(), demo.url)
    // The job's subscription has completed by then.
    await untilOpen(page, 'browser', 1, 10)
    await untilOpen(page, 'server', 2, 20)
    await other.context().close()
    await untilOpen(page, 'server', 1, 10)
  })

  it('logs nothing to the console', async ({ context, demo }) => {
    const page = await context.newPage()
    const logged: string[] = []
    page.on('console', (message) => logged.push(message.text()))
    page.on('pageerror', (error) => logged.push(error.message))
    await page.goto(demo.url)
    await untilLive(page)
    await page.getByText('#engineering').click()
    await say(page, 'Hello?')
    await messages(page, 1)
    await page.getByRole('button', { name: 'Start a report' }).click()
    await page.getByRole('progressbar').waitFor()
    await page.reload()
    await untilLive(page)
    expect(logged).toEqual([])
  })
})

describe('the tabs of a browser', () => {
  /** Opens three tabs. */
  async function openThree(context: BrowserContext, { url }: Demo): Promise<Page[]> {
    const tabs: Page[] = []
    for (let i = 0; i < 3; i++) tabs.push(await openDemo(context, url))
    return tabs
  }

  it('share one connection, and say which of them leads', async ({ context, demo }) => {
    const tabs = await openThree(context, demo)
    const { leader, others } = await untilOneLeads(tabs)
    expect(await leader.title()).toMatch(/^Tab \d leads/)
    for (const tab of tabs) {
      await tab.locator('.pill', { hasText: '1 connection, 3 tabs' }).waitFor()
      await untilOpen(tab, 'browser', 1)
      await untilOpen(tab, 'server', 1)
    }
    for (const [i, tab] of tabs.entries()) await say(tab, `From tab ${i}`)
    for (const tab of tabs) {
      expect(await messages(tab, 3)).toEqual(['From tab 0', 'From tab 1', 'From tab 2'])
    }
    await others[0]?.screenshot({ path: join(screenshots, 'three-tabs.png') })
  })

  it('are independent of the tabs of another browser', async ({ context, demo }) => {
    const tabs = await Promise.all([openDemo(context, demo.url), openDemo(context, demo.url)])
    const elsewhere = await openDemo(browser(), demo.url)
    await untilOneLeads(tabs)
    await elsewhere.getByText('All tabs of this browser share it. This is the only one.').waitFor()
    await untilOpen(elsewhere, 'browser', 1, 10)
    await untilOpen(elsewhere, 'server', 2)
    await tabs[0].getByRole('button', { name: 'Cut the connection' }).click()
    for (const tab of tabs) await caughtUp(tab)
    expect(await elsewhere.locator('.outcome[data-phase]').getAttribute('data-phase')).toBe('none')
    await elsewhere.context().close()
  })

  it('continue with another leader when the leading tab closes, and nothing is missing or repeated', async ({
    context,
    demo,
  }) => {
    const elsewhere = await openDemo(browser(), demo.url)
    const { leader, others } = await untilOneLeads(await openThree(context, demo))
    const said = ['before', 'one', 'two', 'three']
    await say(elsewhere, 'before')
    for (const tab of others) await messages(tab, 1)
    await Promise.all([leader.close(), say(elsewhere, 'one')])
    await say(elsewhere, 'two')
    const then = await untilOneLeads(others)
    await untilOpen(then.leader, 'server', 2)
    await say(elsewhere, 'three')
    for (const tab of others) expect(await messages(tab, 4)).toEqual(said)
    // A follower cuts the connection for both; both then compare their events with the log.
    await then.others[0]?.getByRole('button', { name: 'Cut the connection' }).click()
    for (const tab of others) {
      await tab.getByText('opened twice').waitFor()
      expect(await caughtUp(tab)).toContain('0 missing, 0 repeated.')
      for (const what of ['missing', 'repeated', 'gaps'])
        expect(await countOf(tab, 'all', what)).toBe(0)
      expect(await messages(tab, 4)).toEqual(said)
    }
    await elsewhere.context().close()
  })

  it('keep their numbers when the leader reloads and another tab takes over', async ({
    context,
    demo,
  }) => {
    const tabs = [await openDemo(context, demo.url), await openDemo(context, demo.url)]
    const { leader, others } = await untilOneLeads(tabs)
    await leader.reload()
    await untilLive(leader)
    const then = await untilOneLeads(tabs)
    expect(then.leader).toBe(others[0])
    expect(await Promise.all(tabs.map((tab) => tab.title()))).toEqual([
      'Tab 1 · trpc-sse demo',
      'Tab 2 leads · trpc-sse demo',
    ])
  })

  it('lose the network together, including a tab opened meanwhile, and any of them restores it', async ({
    context,
    demo,
  }) => {
    const elsewhere = await openDemo(browser(), demo.url)
    const { leader, others } = await untilOneLeads(await openThree(context, demo))
    await others[0]?.getByRole('button', { name: 'No network' }).click()
    const opened = await context.newPage()
    await opened.goto(demo.url)
    const tabs = [leader, ...others, opened]
    for (const tab of tabs) await tab.locator('.pill[data-status=offline]').waitFor()
    await say(elsewhere, 'Where are you?')
    await opened.getByRole('button', { name: 'Bring it back now' }).click()
    for (const tab of tabs) {
      await untilLive(tab)
      expect(await messages(tab, 1)).toEqual(['Where are you?'])
    }
    await elsewhere.context().close()
  })
})

describe.concurrent('an answer', () => {
  it('continues after a reload, and completes', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await ask(page)
    const before = await answerOf(page, 3)
    await page.reload()
    const after = await answerOf(page, before.split(' ').length + 3)
    expect(after.startsWith(before)).toBe(true)
    await page.screenshot({ path: join(screenshots, 'answer.png'), fullPage: true })
    await page.getByText(/All \d+ words, then its subscription completed/).waitFor()
    await page.locator('[data-subscription="answers.onAnswer"]', { hasText: 'completed' }).waitFor()
    // A late joiner gets all of it.
    const whole = await answerOf(page, 100)
    await page.reload()
    expect(await answerOf(page, 100)).toBe(whole)
  })

  it('is stopped from a second tab, for both, and its text stays', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await ask(page)
    await answerOf(page, 3)
    const opened = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Open in a second tab' }).click()
    const second = await opened
    await answerOf(second, 5)
    await second.getByRole('button', { name: 'Stop' }).click()
    const stopped = /Stopped after \d+ words, for every tab/
    for (const tab of [page, second]) await tab.getByText(stopped).waitFor()
    expect(await answerOf(second, 5)).toBe(await answerOf(page, 5))
    expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true)
  })

  it('is abandoned when its producer is killed, and another one can be asked for', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    await ask(page)
    await answerOf(page, 3)
    await page.getByRole('button', { name: 'Kill the producer' }).click()
    await page.getByText(/Abandoned after \d+ words/).waitFor()
    await page.screenshot({ path: join(screenshots, 'abandoned.png'), fullPage: true })
    await page.reload()
    await page.getByText(/Abandoned after \d+ words/).waitFor()
    await page.getByRole('button', { name: 'Ask again' }).click()
    await page.locator('.answer-text[data-streaming=true]').waitFor()
  })

  it('of a server that has forgotten it says so', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await ask(page)
    await answerOf(page, 3)
    await demo.stop('SIGKILL')
    await page.getByText('Waiting for the connection…', { exact: true }).waitFor()
    await using _again = await startDemo({ port: Number(new URL(demo.url).port) })
    await page.getByText('The server no longer knows this answer.').waitFor()
  })
})

describe.concurrent('the page explains itself', () => {
  it('with a first thing to try, whose links lead there', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '')
    const guide = page.locator('.guide')
    await guide.getByRole('link', { name: 'write a message' }).click()
    expect(await focused()).toBe('message')
    await guide.getByRole('link', { name: 'cut the connection' }).click()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('cut')
  })

  it('with its own source and the type of its events', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await page.getByText('src/server/channels.ts:').waitFor()
    expect(await page.locator('[data-what=type]').textContent()).toBe(
      '{\n    author: string;\n    text: string;\n    sentAt: Date;\n}',
    )
    expect(await page.locator('.code mark').textContent()).toBe('event.data')
  })

  it('with an event of a wrong shape, which the channel refuses with the paths', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    const button = page.getByRole('button', { name: 'Publish this event' })
    await button.click()
    await page.getByText('Refused: BAD_REQUEST. Nothing was stored.').waitFor()
    expect(await page.locator('.refusal li').allTextContents()).toEqual([
      'text Invalid input: expected string, received number',
      'sentAt Invalid input: expected date, received string',
    ])
    expect(await page.locator('[data-wrong=true]').allTextContents()).toEqual(['42', '"today"'])
    await say(page, 'The room has this message only')
    expect(await messages(page, 1)).toEqual(['The room has this message only'])

    await page.getByRole('button', { name: 'No network' }).click()
    await button.click()
    await page.getByText('Not sent. Try again when the server is back.').waitFor()
  })
})

describe.concurrent('the rest of the page', () => {
  it('shows the newest price at once, and its changes', async ({ context, demo, expect }) => {
    const page = await openDemo(context, demo.url)
    await page.locator('.price-value', { hasText: /^\d+\.\d\d$/ }).waitFor()
    await expect.poll(() => countOf(page, 'prices.onTick', 'received')).toBeGreaterThan(3)
    await page.locator('.latency', { hasText: /median \d+ ms/ }).waitFor()
  })

  it('shows a job from its beginning to its end, when its subscription completes', async ({
    context,
    demo,
  }) => {
    const page = await openDemo(context, demo.url)
    await page.getByRole('button', { name: 'Start a report' }).click()
    const bar = page.getByRole('progressbar')
    await bar.waitFor()
    await page.locator('.progress[data-done=true]').waitFor()
    expect(await bar.evaluate((element: HTMLProgressElement) => element.position)).toBe(1)
    await page.getByText('40 steps, then its subscription completed.').waitFor()
    await page.locator('[data-subscription="jobs.onProgress"]', { hasText: 'completed' }).waitFor()
  })

  it('shows a notification in every window, and counts the unread ones', async ({
    context,
    demo,
  }) => {
    const one = await openDemo(context, demo.url)
    const other = await openDemo(context, demo.url)
    await other.getByText('Nothing yet. Send some').waitFor()
    await one.getByRole('button', { name: 'Send five' }).click()
    const badge = other.getByRole('button', { name: '5 new: mark as read' })
    await badge.click()
    await badge.waitFor({ state: 'detached' })
    expect(await other.locator('.notices li').count()).toBe(5)
  })

  it('fits light, dark and narrow screens, and has empty states', async ({ context, demo }) => {
    const page = await openDemo(context, demo.url)
    await page.getByText('It is quiet in here.').waitFor()
    await page.screenshot({ path: join(screenshots, 'empty.png') })
    await say(page, 'Good morning!')
    await messages(page, 1)
    const background = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await background()
    await page.screenshot({ path: join(screenshots, 'light.png') })
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    expect(await background()).not.toBe(light)
    await page.screenshot({ path: join(screenshots, 'dark.png') })
    await page.getByRole('button', { name: 'Theme: system' }).click()
    expect(await background()).toBe(light)
    for (const width of [360, 800]) {
      await page.setViewportSize({ width, height: 740 })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      await page.screenshot({ path: join(screenshots, `wide-${width}.png`), fullPage: true })
    }
  })
})

it("serves the browser's own EventSource, which resumes after a cut", async ({ context, demo }) => {
  const page = await context.newPage()
  await page.goto(demo.url)
  const { ids, opened, fromLog } = await page.evaluate(async () => {
    const ids: string[] = []
    let opened = 0
    const source = new EventSource('/trpc/prices.onTick?page=native')
    source.addEventListener('open', () => {
      opened += 1
    })
    const received = (count: number): Promise<void> =>
      new Promise((resolve) => {
        source.addEventListener('message', () => ids.length >= count && resolve())
      })
    source.addEventListener('message', ({ lastEventId }) => ids.push(lastEventId))
    await received(3)
    const before = ids.length
    await fetch('/control/cut?page=native', { method: 'POST' })
    await received(before + 5)
    source.close()
    const input = encodeURIComponent(JSON.stringify({ json: { after: ids[0] } }))
    const answer = await fetch(`/trpc/prices.idsAfter?input=${input}`)
    const fromLog: string[] = (await answer.json()).result.data.json
    return { ids, opened, fromLog }
  })
  expect(opened).toBe(2)
  expect(ids.slice(1)).toEqual(fromLog.slice(0, ids.length - 1))
})

it('exits on SIGTERM while clients are connected', async ({ context, demo }) => {
  await openDemo(context, demo.url)
  expect(await demo.stop('SIGTERM')).toBe(0)
})
