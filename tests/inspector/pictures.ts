// Takes the pictures of docs/inspector.md: `pnpm exec node inspector/pictures.ts`, in `tests`.
import { join } from 'node:path'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { startChromium } from '../support/chromium.ts'
import { follow, untypedClient } from '../support/follow.ts'
import { startRedis } from '../support/redis.ts'
import { type InspectedInstance, startInstance, subscribe } from './app.ts'

const docs = join(import.meta.dirname, '../../docs')
const viewport = { width: 1180, height: 640 }

await using stack = new AsyncDisposableStack()
const redis = stack.use(await startRedis())
const here = await start('api-1')
const there = await start('api-2')

function start(name: string): Promise<InspectedInstance> {
  return startInstance(stack, {
    name,
    allow: () => true,
    backend: redisBackend({ url: redis.url }),
  })
}

await subscribe(stack, here, 'ada')
const grace = untypedClient(sseLink({ url: here.url, headers: { user: 'grace' } }))
for (const room of ['lobby', 'support', 'release-notes']) {
  const { unsubscribe } = follow(grace, 'onMessage', { room })
  stack.defer(unsubscribe)
}
await subscribe(stack, there, 'linus')
const chat = there.channels.chat({ room: 'lobby' })
const text = 'The build is green, and deployed. '.repeat(20)
for (let n = 0; n < 30; n++) await chat.publish({ author: 'linus', text, priority: 'low' })

const browser = await startChromium()
stack.defer(() => browser.close())
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ viewport, colorScheme })
  page.on('dialog', (dialog) => void dialog.accept())
  await page.goto(`${here.inspectorUrl}#streams`)
  const row = page.getByRole('row').filter({ hasText: 'grace' })
  await row.getByRole('button', { name: /^Stall/ }).click()
  for (let n = 0; n < 400; n++) await chat.publish({ author: 'linus', text, priority: 'low' })
  await row.getByRole('button', { name: /^#/ }).click()
  await row.getByText('behind').waitFor()
  await page.getByRole('cell', { name: 'release-notes' }).waitFor()
  await page.locator('#notes').evaluate((notes) => notes.remove())
  await page.screenshot({ path: join(docs, `inspector-${colorScheme}.png`) })
  await row.getByRole('button', { name: 'Resume' }).click()
  await page.close()
}
