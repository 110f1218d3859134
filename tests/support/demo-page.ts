import type { Browser, BrowserContext, Page } from 'playwright-core'
import { vi } from 'vitest'

/** Opens the demo, and waits until all of its subscriptions are live. */
export async function openDemo(where: Browser | BrowserContext, url: string): Promise<Page> {
  const page = await where.newPage()
  await page.goto(url)
  await untilLive(page)
  return page
}

/** Waits until all subscriptions are live. */
export async function untilLive(page: Page): Promise<void> {
  await page.locator('.pill[data-status=live]').waitFor()
}

/** Signs in under a name, as a user who is in no other browser. The page starts again. */
export async function signInAs(page: Page, name: string): Promise<void> {
  const field = page.getByLabel('Your name')
  await field.fill(name)
  await Promise.all([page.waitForEvent('load'), field.press('Enter')])
  await untilLive(page)
}

/** Waits until the page shows a person online, with these tabs and devices. */
export async function untilOnline(page: Page, name: string, tabs: string): Promise<void> {
  const row = page.locator(`[data-person="${name}"]`)
  await row.locator('.aside', { hasText: new RegExp(`^${tabs}$`) }).waitFor()
}

/** Sends a chat message, and waits until the server has stored it. */
export async function say(page: Page, text: string): Promise<void> {
  const input = page.getByPlaceholder('Message #')
  await input.fill(text)
  await input.press('Enter')
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>('#message')?.value === '',
  )
}

/** Waits for `count` messages on the page, and returns all of them in order. */
export async function messages(page: Page, count: number): Promise<string[]> {
  const texts = page.locator('.message-text')
  await texts.nth(count - 1).waitFor()
  return texts.allTextContents()
}

/** Waits until the page has caught up after a loss, and returns its report. */
export async function caughtUp(page: Page): Promise<string> {
  const outcome = page.locator('.outcome[data-phase=caught-up]')
  await outcome.waitFor()
  return ((await outcome.textContent()) ?? '').replaceAll('\u00a0', ' ')
}

/** Reads a count of a subscription, by its path; `all` for all subscriptions. */
export async function countOf(page: Page, path: string, what: string): Promise<number> {
  const cell = page.locator(`[data-subscription="${path}"] [data-what=${what}]`)
  return Number(await cell.textContent())
}

/** Waits for counts of open connections: this browser's, or all browsers' as the server counts. */
export async function untilOpen(
  page: Page,
  where: 'browser' | 'server',
  connections: number,
  subscriptions?: number,
): Promise<void> {
  const row = page.locator(`[data-where=${where}]`)
  await row
    .locator('[data-what=connections]', { hasText: new RegExp(`^${connections}$`) })
    .waitFor()
  if (subscriptions === undefined) return
  await row
    .locator('[data-what=subscriptions]', { hasText: new RegExp(`^${subscriptions}$`) })
    .waitFor()
}

/** Waits until one of these tabs leads and all of them say so. Returns that tab and the others. */
export function untilOneLeads(tabs: readonly Page[]): Promise<{ leader: Page; others: Page[] }> {
  return vi.waitFor(async () => {
    const said = await Promise.all(tabs.map((tab) => tab.locator('.who-leads').textContent()))
    const leading = tabs.filter((_, i) => said[i]?.includes(', and it leads'))
    const number = /tab (\d+), and it leads/.exec(said.join())?.[1]
    const share = tabs.length === 2 ? 'both share' : `all ${tabs.length} share`
    const following = tabs.filter((_, i) => said[i]?.includes(`Tab ${number} leads: ${share}`))
    const [leader] = leading
    if (leader && leading.length === 1 && following.length === tabs.length - 1)
      return { leader, others: following }
    throw new Error(`Not one of ${tabs.length} tabs leads: ${said.join(' ')}`)
  }, 20_000)
}

/** Starts an answer that streams. */
export async function ask(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Ask how it works' }).click()
}

/** Waits until the answer has at least `words` words, and returns it. */
export async function answerOf(page: Page, words: number): Promise<string> {
  return await vi.waitFor(async () => {
    const text = (await page.locator('.answer-text').textContent()) ?? ''
    if (text.split(' ').length <= words) throw new Error(`The answer has fewer words: ${text}`)
    return text
  }, 20_000)
}
