import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { limits } from '../apps/demo/src/shared/limits.ts'
import { useBrowser } from './support/browsers/browser.ts'
import { startChromium } from './support/chromium.ts'
import { type Demo, startDemo } from './support/demo.ts'
import { messages, openDemo, say, signInAs, untilLive, untilOnline } from './support/demo-page.ts'

const screenshots = join(import.meta.dirname, '../apps/demo/screenshots')

const browser = useBrowser(startChromium)

interface Fixtures {
  readonly demo: Demo
  /** The browsers of two people. */
  readonly ada: BrowserContext
  readonly grace: BrowserContext
}

const it = test.extend<Fixtures>({
  demo: async ({ task: _ }, use) => {
    await using demo = await startDemo()
    await use(demo)
  },
  ada: async ({ task: _ }, use) => {
    await using context = await browser().newContext({ viewport: { width: 1280, height: 900 } })
    await use(context)
  },
  grace: async ({ task: _ }, use) => {
    await using context = await browser().newContext({ viewport: { width: 1280, height: 900 } })
    await use(context)
  },
})

/** Opens the demo, and signs in. */
async function openAs(context: BrowserContext, { url }: Demo, name: string): Promise<Page> {
  const page = await openDemo(context, url)
  await signInAs(page, name)
  return page
}

// They spend most of their time waiting, so they run concurrently.
describe.concurrent('who is online', () => {
  it('shows two people each other, and the tabs of one of them as one member', async ({
    demo,
    ada,
    grace,
  }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    await untilOnline(one, 'Grace', '1 tab')
    await untilOnline(other, 'Ada', '1 tab')
    const second = await openDemo(ada, demo.url)
    for (const page of [one, second, other]) {
      await untilOnline(page, 'Ada', '2 tabs')
      await page.locator('.people', { hasText: '2 members' }).waitFor()
    }
    await one.locator('.people').screenshot({ path: join(screenshots, 'people.png') })
    await second.close()
    await untilOnline(other, 'Ada', '1 tab')
  })

  it('counts another device of the same user as the same member', async ({ demo, ada, grace }) => {
    const one = await openAs(ada, demo, 'Ada')
    await openAs(grace, demo, 'Ada')
    await untilOnline(one, 'Ada', '2 tabs, 2 devices')
    await one.locator('.people', { hasText: '1 member' }).waitFor()
  })

  it('shows no leave when somebody reloads, and a leave when somebody closes the page', async ({
    demo,
    ada,
    grace,
  }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    await untilOnline(other, 'Ada', '1 tab')
    const rows = other.getByRole('list', { name: 'Online' })
    const removed = await rows.evaluateHandle((list) => {
      const names: string[] = []
      new MutationObserver((changes) => {
        for (const { removedNodes } of changes)
          for (const node of removedNodes) names.push(node.textContent ?? '')
      }).observe(list, { childList: true })
      return names
    })
    await one.reload()
    await untilLive(one)
    // By then, a leave would have been sent: the grace period of this later one ends later.
    const passer = await openAs(await browser().newContext(), demo, 'Passer')
    await untilOnline(other, 'Passer', '1 tab')
    await passer.context().close()
    await other.locator('[data-person=Passer]').waitFor({ state: 'detached' })
    await untilOnline(other, 'Ada', '1 tab')
    const gone = await removed.evaluate((names) => names.filter((name) => name.includes('Ada')))
    expect(gone).toEqual([])

    await one.close()
    await other.locator('[data-person=Ada]').waitFor({ state: 'detached' })
  })
})

describe('signing in under another name', () => {
  it('makes all tabs of the browser another user', async ({ demo, ada, grace }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    const second = await openDemo(ada, demo.url)
    await untilOnline(other, 'Ada', '2 tabs')
    await Promise.all([second.waitForEvent('load'), signInAs(one, 'Adele')])
    await untilLive(second)
    expect(await second.getByLabel('Your name').inputValue()).toBe('Adele')
    await untilOnline(other, 'Adele', '2 tabs')
    await other.locator('[data-person=Ada]').waitFor({ state: 'detached' })
    await say(second, 'Who am I?')
    await other.locator('.message', { hasText: 'Who am I?' }).getByText('Adele').waitFor()
  })
})

describe.concurrent('who is typing', () => {
  it('is shown to the others in the room, and expires', async ({ demo, ada, grace }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    await one.locator('#message').pressSequentially('Hel')
    await other.getByText('Ada is typing…').waitFor()
    await other.locator('.chat').screenshot({ path: join(screenshots, 'typing.png') })
    expect(await one.getByText('is typing').count()).toBe(0)
    await other.getByText('#engineering').click()
    await other.getByText('Ada is typing…').waitFor({ state: 'detached' })
    await other.getByText('#lobby').click()
    await other.getByText('Ada is typing…').waitFor({ state: 'detached' })
  })

  it('ends with the message', async ({ demo, ada, grace }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    await one.locator('#message').pressSequentially('Hello')
    await other.getByText('Ada is typing…').waitFor()
    await one.keyboard.press('Enter')
    expect(await messages(other, 1)).toEqual(['Hello'])
    await other.getByText('Ada is typing…').waitFor({ state: 'detached' })
  })
})

describe('the board', () => {
  /**
   * Where a cursor is on the board of a page, in percent of its width and height, rounded to a
   * multiple of `step`.
   */
  async function placeOf(page: Page, name: string, step = 1): Promise<{ x: number; y: number }> {
    const style = await page.locator(`[data-cursor=${name}]`).getAttribute('style')
    const [, x, y] = /left: ([\d.]+)%; top: ([\d.]+)%/.exec(style ?? '') ?? []
    const round = (percent: unknown): number => Math.round(Number(percent) / step) * step
    return { x: round(x), y: round(y) }
  }
  async function point(page: Page, x: number, y: number): Promise<void> {
    const surface = page.locator('.surface')
    await surface.scrollIntoViewIfNeeded()
    const { width = 0, height = 0 } = (await surface.boundingBox()) ?? {}
    await surface.hover({ position: { x: width * x, y: height * y } })
  }

  it('shows a cursor that moves in one tab in the others, until it leaves', async ({
    demo,
    ada,
    grace,
  }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    const second = await openDemo(ada, demo.url)
    for (const [x, y] of [
      [0.25, 0.5],
      [0.75, 0.25],
    ] as const) {
      await point(one, x, y)
      // A mouse is at whole pixels.
      for (const page of [one, second, other])
        await expect.poll(() => placeOf(page, 'Ada', 5)).toEqual({ x: x * 100, y: y * 100 })
    }
    await other.locator('.cursors').screenshot({ path: join(screenshots, 'cursors.png') })
    await one.locator('#message').hover()
    await other.locator('[data-cursor=Ada]').waitFor({ state: 'detached' })
  })

  it('can be used with the keyboard alone', async ({ demo, ada, grace }) => {
    const [one, other] = [await openAs(ada, demo, 'Ada'), await openAs(grace, demo, 'Grace')]
    await one.locator('.surface').focus()
    for (let i = 0; i < 3; i++) await one.keyboard.press('ArrowRight')
    await one.keyboard.press('ArrowUp')
    await expect.poll(() => placeOf(other, 'Ada')).toEqual({ x: 59, y: 47 })
    await one.keyboard.press('Tab')
    await other.locator('[data-cursor=Ada]').waitFor({ state: 'detached' })
  })
})

describe('signing out everywhere', () => {
  it('ends all tabs and devices with the error, without retries, and lets them sign in again', async ({
    demo,
    ada,
    grace,
  }) => {
    const device = await browser().newContext()
    const tabs = [await openAs(ada, demo, 'Ada'), await openDemo(ada, demo.url)]
    const pages = [...tabs, await openAs(device, demo, 'Ada')]
    const other = await openAs(grace, demo, 'Grace')
    await untilOnline(other, 'Ada', '3 tabs, 2 devices')
    await other.getByRole('button', { name: 'Sign me out everywhere' }).waitFor()
    // Streams that the page has opened to reach a limit must not come back either.
    await tabs[0]?.getByRole('button', { name: 'Open streams until refused' }).click()
    await tabs[0]?.getByText('was refused: TOO_MANY_REQUESTS.').waitFor()
    await tabs[1]?.getByRole('button', { name: 'Sign me out everywhere' }).click()
    for (const page of pages) {
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      await page.getByText('UNAUTHORIZED').waitFor()
      await page.getByText('You were signed out everywhere.').waitFor()
    }
    await tabs[0]?.screenshot({ path: join(screenshots, 'signed-out.png') })
    await tabs[0]?.setViewportSize({ width: 360, height: 740 })
    expect(await tabs[0]?.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    const requests: string[] = []
    for (const page of pages) page.on('request', (request) => requests.push(request.url()))
    // The grace period ends later than the first retries would come.
    await other.locator('[data-person=Ada]').waitFor({ state: 'detached' })
    await say(other, 'Where is Ada?')
    expect(requests).toEqual([])

    await tabs[0]?.reload()
    await tabs[0]?.getByText('You were signed out everywhere.').waitFor()
    await tabs[0]?.getByRole('button', { name: 'Sign in' }).click()
    for (const tab of tabs) await untilLive(tab)
    await untilOnline(other, 'Ada', '2 tabs')
    await device.close()
  })
})

describe('the limits', () => {
  it('show what the user has, and one can be reached: its error names it, and the rest goes on', async ({
    demo,
    ada,
  }) => {
    const page = await openAs(ada, demo, 'Ada')
    const row = page.locator('[data-limit=connectionsPerKey]')
    const used = (count: number) => row.locator('[data-what=used]', { hasText: `${count}` })
    await used(1).waitFor()
    expect(await row.locator('[data-what=limit]').textContent()).toBe('4')
    await page.getByRole('button', { name: 'Open streams until refused' }).click()
    await page.getByText('Stream 4 was refused: TOO_MANY_REQUESTS.').waitFor()
    await page.getByText('The limit of 4 connections for one user (connectionsPerKey)').waitFor()
    await used(4).waitFor()
    await page.locator('.limits').screenshot({ path: join(screenshots, 'limits.png') })
    await say(page, 'Still here')
    expect(await messages(page, 1)).toEqual(['Still here'])
    await page.getByRole('button', { name: 'Close them' }).click()
    await used(1).waitFor()

    await page.getByRole('button', { name: 'No network' }).click()
    await page.getByRole('button', { name: 'Open streams until refused' }).click()
    await page.getByText('No connection. Try again when the server is back.').waitFor()
    await page.getByRole('button', { name: 'Open streams until refused' }).waitFor()
  })

  it('refuse a message too many, which stays in the field', async ({ demo, ada }) => {
    const page = await openAs(ada, demo, 'Ada')
    // The messages of another page of the same user.
    const statuses = await page.evaluate(async (limit) => {
      const { token } = JSON.parse(localStorage.getItem('session') ?? '{}')
      const send = (i: number) =>
        fetch('/trpc/chat.send', {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
          body: JSON.stringify({ json: { room: 'random', text: `${i}`, key: `${i}` } }),
        })
      const answers = await Promise.all(Array.from({ length: limit }, (_, i) => send(i)))
      return answers.map(({ status }) => status)
    }, limits.messages)
    expect(new Set(statuses)).toEqual(new Set([200]))
    await page.getByPlaceholder('Message #').fill('One more')
    await page.getByPlaceholder('Message #').press('Enter')
    await page.getByText('Not sent: 60 messages in a minute are the limit.').waitFor()
    expect(await page.getByPlaceholder('Message #').inputValue()).toBe('One more')
  })
})
