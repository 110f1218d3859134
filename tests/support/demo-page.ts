import type { Browser, BrowserContext, Page } from 'playwright-core'
import { vi } from 'vitest'

/** Opens the demo, and waits until all of its streams are live. */
export async function openDemo(where: Browser | BrowserContext, url: string): Promise<Page> {
  const page = await where.newPage()
  await page.goto(url)
  await untilLive(page)
  return page
}

/** Waits until all streams are live. */
export async function untilLive(page: Page): Promise<void> {
  await page.locator('.pill[data-status=live]').waitFor()
}

/** Sends a chat message, and waits until the server has it. */
export async function say(page: Page, text: string): Promise<void> {
  const input = page.getByPlaceholder('Message #')
  await input.fill(text)
  await input.press('Enter')
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>('#message')?.value === '',
  )
}

/** The messages on the page, in order; waits until there are so many. */
export async function messages(page: Page, count: number): Promise<string[]> {
  const texts = page.locator('.message-text')
  await texts.nth(count - 1).waitFor()
  return texts.allTextContents()
}

/** Waits until the page has been lost and has caught up; gives what it says of that. */
export async function caughtUp(page: Page): Promise<string> {
  const outcome = page.locator('.outcome[data-phase=caught-up]')
  await outcome.waitFor()
  return ((await outcome.textContent()) ?? '').replaceAll('\u00a0', ' ')
}

/** A count of a stream, by its path; `all` for all streams. */
export async function countOf(page: Page, stream: string, what: string): Promise<number> {
  return Number(await page.locator(`[data-stream="${stream}"] [data-what=${what}]`).textContent())
}

/** Waits until so much is open: by this browser, as its leading tab knows, or by all browsers, as the server counts. */
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

/** Waits until one of these tabs leads and all of them say so; gives that one and the others. */
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
