// Takes the README's pictures: `pnpm --filter @trpc-sse/demo screenshot`.
import { join } from 'node:path'
import { startChromium } from '../../../tests/support/chromium.ts'
import { startDemo } from '../../../tests/support/demo.ts'

type Browser = Awaited<ReturnType<typeof startChromium>>
type Page = Awaited<ReturnType<Browser['newPage']>>

const docs = join(import.meta.dirname, '../../../docs')
const viewport = { width: 1280, height: 830 }

for (const colorScheme of ['light', 'dark'] as const) {
  await using demo = await startDemo()
  await using browser = await startChromium()
  await using context = await browser.newContext({ viewport, colorScheme })
  await open(context, demo.url, 'Ann')
  const bob = await open(browser, demo.url, 'Bob')
  // Opened last, because the latency chart would show the time that loading a page costs.
  const ann = await open(context, demo.url, 'Ann')
  await tellStory(ann, bob)
  await ann.screenshot({ path: join(docs, `demo-${colorScheme}.png`) })
}

async function open(where: Pick<Browser, 'newPage'>, url: string, name: string): Promise<Page> {
  const page = await where.newPage()
  await page.goto(url)
  await page.locator('.pill[data-status=live]').waitFor()
  await page.getByLabel('Your name').fill(name)
  return page
}

/** Ann loses her network, catches up, and starts a report. */
async function tellStory(ann: Page, bob: Page): Promise<void> {
  await say(ann, 'Good morning! Is the build green?')
  await say(bob, 'Green, and deployed.')
  await say(ann, 'My train enters a tunnel.')
  await ann.getByRole('button', { name: 'No network for 10 s' }).click()
  await say(bob, 'Then you will miss the release notes…')
  await bob.getByRole('button', { name: 'Send five' }).click()
  await say(bob, '…or will you?')
  await ann.locator('.outcome[data-phase=caught-up]').waitFor()
  await ann.getByRole('button', { name: 'Start a report' }).click()
  await ann.getByText('Draw charts').waitFor()
}

async function say(page: Page, text: string): Promise<void> {
  await page.locator('#message').fill(text)
  await page.locator('#message').press('Enter')
  await page.locator('.message-text', { hasText: text }).waitFor()
}
