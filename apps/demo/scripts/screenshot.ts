// Takes the README's pictures: `pnpm --filter @trpc-sse/demo screenshot`.
import { join } from 'node:path'
import { startChromium } from '../../../tests/support/chromium.ts'
import { startDemo } from '../../../tests/support/demo.ts'
import { openDemo, say, signInAs } from '../../../tests/support/demo-page.ts'

type Browser = Awaited<ReturnType<typeof startChromium>>
type Page = Awaited<ReturnType<Browser['newPage']>>

const docs = join(import.meta.dirname, '../../../docs')
const viewport = { width: 1280, height: 1097 }

for (const colorScheme of ['light', 'dark'] as const) {
  await using demo = await startDemo()
  await using browser = await startChromium()
  await using context = await browser.newContext({ viewport, colorScheme })
  await signInAs(await openDemo(context, demo.url), 'Ann')
  const bob = await openDemo(await browser.newContext({ viewport }), demo.url)
  await signInAs(bob, 'Bob')
  // Opened last, because the latency chart would show the time that loading a page costs.
  const ann = await openDemo(context, demo.url)
  await tellStory(ann, bob)
  await ann.screenshot({ path: join(docs, `demo-${colorScheme}.png`) })
}

/** Ann loses her network, catches up, and starts a report. Bob points at something, and types. */
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
  await bob.locator('.surface').hover({ position: { x: 250, y: 70 } })
  await bob.locator('#message').pressSequentially('Look')
  await ann.locator('.surface').hover({ position: { x: 120, y: 110 } })
  await ann.getByText('Bob is typing…').waitFor()
  await ann.locator('[data-cursor=Ann]').waitFor()
}
