import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { buildNextApp, type NextApp, startNextApp } from '../support/next-app.ts'
import { range } from '../support/numbers.ts'

const screenshots = join(import.meta.dirname, 'screenshots/next')

let browser: Browser
let app: NextApp
let context: BrowserContext

beforeAll(async () => {
  await buildNextApp()
  // Streams are replaced every two seconds.
  ;[browser, app] = await Promise.all([startChromium(), startNextApp(2_000)])
}, 240_000)
afterAll(async () => {
  await browser.close()
  await app[Symbol.asyncDispose]()
})
beforeEach(async () => {
  context = await browser.newContext()
})
afterEach(() => context.close())

/** Signs in through the page. */
async function signIn(where: BrowserContext, user: string): Promise<Page> {
  const page = await where.newPage()
  await page.goto(app.url)
  await page.getByLabel('Your name').fill(user)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await untilLive(page)
  return page
}

const untilLive = (page: Page): Promise<void> =>
  page.locator('.pill[data-status=pending]').waitFor()

async function add(page: Page, text: string): Promise<void> {
  await page.getByLabel('What to do').fill(text)
  await page.getByRole('button', { name: 'Add' }).click()
  await page.getByRole('listitem').filter({ hasText: text }).waitFor()
}

const todos = (page: Page): Promise<string[]> => page.locator('li span').allTextContents()

/** Waits until the list has `count` items. */
async function todosOnce(page: Page, count: number): Promise<string[]> {
  await page
    .locator('li')
    .nth(count - 1)
    .waitFor()
  return todos(page)
}

/** Adds to a user's list by a request of its own, without a page. */
async function addByRequest(user: string, text: string): Promise<void> {
  const json = { user, id: crypto.randomUUID(), text }
  const response = await context.request.post(`${app.url}/api/trpc/add`, { data: { json } })
  expect(response.status()).toBe(200)
}

describe('the app of Next.js', () => {
  it('has its data in the first paint, even without JavaScript', async () => {
    const page = await signIn(context, 'ada')
    await add(page, 'Read the paper')
    const still = await browser.newContext({
      javaScriptEnabled: false,
      storageState: await context.storageState(),
    })
    const plain = await still.newPage()
    await plain.goto(app.url)
    expect(await todos(plain)).toEqual(['Read the paper'])
    await still.close()
  })

  it('shows what was published between rendering and hydration', async () => {
    await signIn(context, 'grace')
    await addByRequest('grace', 'before')
    const page = await context.newPage()
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    await page.route(/\/_next\/.*\.js/, async (route) => {
      await held
      await route.continue()
    })
    await page.goto(app.url, { waitUntil: 'commit' })
    expect(await todosOnce(page, 1)).toEqual(['before'])
    await addByRequest('grace', 'between')
    expect(await todos(page)).toEqual(['before'])
    letGo()
    expect(await todosOnce(page, 2)).toEqual(['before', 'between'])
    await untilLive(page)
    expect(await todos(page)).toEqual(['before', 'between'])
  })

  it('shows a list to its owner in all windows, and to nobody else', async () => {
    const one = await signIn(context, 'lin')
    const two = await context.newPage()
    await two.goto(app.url)
    await untilLive(two)
    const others = await browser.newContext()
    const other = await signIn(others, 'mary')
    await add(one, 'Only mine')
    expect(await todosOnce(two, 1)).toEqual(['Only mine'])
    await add(other, 'Of somebody else')
    await two.getByRole('checkbox').check()
    await one.locator('li[data-done=true]').waitFor()
    expect(await todos(one)).toEqual(['Only mine'])
    expect(await todos(other)).toEqual(['Of somebody else'])
    await one.screenshot({ path: join(screenshots, 'light.png') })
    await one.emulateMedia({ colorScheme: 'dark' })
    await one.setViewportSize({ width: 360, height: 640 })
    await one.screenshot({ path: join(screenshots, 'dark-narrow.png') })
    // Without the owner's cookie, a request for the list is refused.
    const asked = await others.request.get(
      `${app.url}/api/trpc/todos?input=${encodeURIComponent('{"json":{"user":"lin"}}')}`,
    )
    expect(asked.status()).toBe(401)
    await others.close()
  })

  it('shows a sign-out in the other windows, too', async () => {
    const one = await signIn(context, 'kay')
    const two = await context.newPage()
    await two.goto(app.url)
    await untilLive(two)
    await one.getByRole('button', { name: 'Sign out' }).click()
    await one.getByLabel('Your name').waitFor()
    await two.getByText('You are signed out.').waitFor()
  })

  it('loses and repeats nothing while streams are replaced, or offline', async () => {
    const page = await signIn(context, 'joan')
    for (const n of range(1, 40)) {
      await addByRequest('joan', `to-do ${n}`)
      await page
        .locator('li')
        .nth(n - 1)
        .waitFor()
    }
    await page.waitForRequest(
      (request) => request.url().includes('~sse') && !isControl(request.postData()),
    )
    await addByRequest('joan', 'to-do 41')
    await todosOnce(page, 41)
    await context.setOffline(true)
    await page.screenshot({ path: join(screenshots, 'offline.png') })
    for (const n of range(42, 60)) await addByRequest('joan', `to-do ${n}`)
    await context.setOffline(false)
    expect(await todosOnce(page, 60)).toEqual(range(1, 60).map((n) => `to-do ${n}`))
    await page.reload()
    await untilLive(page)
    expect(await todos(page)).toEqual(range(1, 60).map((n) => `to-do ${n}`))
  })
})

/** Whether a request to `~sse` changes an open stream. */
function isControl(body: string | null): boolean {
  return body?.includes('"connectionId"') ?? false
}
