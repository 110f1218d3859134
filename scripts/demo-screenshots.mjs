// `node scripts/demo-screenshots.mjs http://localhost:3000` takes the README's pictures of a running demo.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const [url] = process.argv.slice(2)
const require = createRequire(new URL('../tests/package.json', import.meta.url))
const { chromium } = require('playwright-core')
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium',
  args: ['--no-sandbox'],
})

/** Opens the demo in a browser of its own. */
async function open(name, room, options) {
  const page = await (await browser.newContext(options)).newPage()
  await page.goto(url)
  await page.locator('.pill[data-status=live]').waitFor()
  await page.getByLabel('Your name').fill(name)
  await page.getByText(room, { exact: true }).click()
  return page
}

async function say(page, text) {
  await page.getByPlaceholder('Message #').fill(text)
  await page.keyboard.press('Enter')
  await page.getByText(text).last().waitFor()
}

const rooms = { light: '#lobby', dark: '#random' }
for (const [colorScheme, room] of Object.entries(rooms)) {
  const ann = await open('Ann', room, { colorScheme, viewport: { width: 1280, height: 800 } })
  const bob = await open('Bob', room)
  await say(ann, 'Good morning! Is the build green?')
  await say(bob, 'Green, and deployed.')
  await say(ann, 'My train enters a tunnel.')
  await ann.getByRole('button', { name: 'Start a report' }).click()
  await ann.getByRole('button', { name: 'No network for 10 s' }).click()
  await say(bob, 'Then you will miss the release notes…')
  await say(bob, '…or will you?')
  await ann.locator('.outcome[data-phase=caught-up]').waitFor()
  const path = fileURLToPath(new URL(`../docs/demo-${colorScheme}.png`, import.meta.url))
  await ann.screenshot({ path })
  for (const page of [ann, bob]) await page.context().close()
}
await browser.close()
