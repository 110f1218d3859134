import { expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { startDemo } from '../support/demo.ts'
import { openDemo, signInAs } from '../support/demo-page.ts'
import { ask } from '../support/http.ts'
import { startRedis } from '../support/redis.ts'

it('the demo links to an inspector that sees both instances behind the load balancer', async () => {
  await using redis = await startRedis()
  await using demo = await startDemo({ redisUrl: redis.url })
  await using browser = await startChromium()
  const context = await browser.newContext()
  const page = await openDemo(context, demo.url)
  await signInAs(page, 'Ann')
  const opened = context.waitForEvent('page')
  await page.getByRole('link', { name: 'inspector' }).click()
  const inspector = await opened
  for (const name of ['instance 1', 'instance 2'])
    await inspector.getByRole('row', { name }).waitFor()
  // Each request reaches another instance, and each one can ask the other.
  await inspector.getByRole('row', { name: 'instance 2' }).getByText('Inspect').click()
  await inspector.getByText('live', { exact: true }).waitFor()
  await inspector.getByRole('link', { name: 'Channels' }).click()
  await inspector.locator('option', { hasText: /^chat$/ }).waitFor({ state: 'attached' })
  expect(await inspector.title()).toBe('Channels – Inspector')
})

it('a demo of one server, without a load balancer, links to it, too', async () => {
  await using demo = await startDemo()
  await using browser = await startChromium()
  const context = await browser.newContext()
  const page = await openDemo(context, demo.url)
  await signInAs(page, 'Ann')
  const opened = context.waitForEvent('page')
  await page.getByRole('link', { name: 'inspector' }).click()
  const inspector = await opened
  await inspector.getByText('Nothing is wrong that this instance can see.').waitFor()
  await inspector.getByRole('row', { name: 'instance 1' }).waitFor()
})

it.each([
  ['from another machine, behind a load balancer', { 'x-forwarded-for': '203.0.113.7' }],
  ['to the name of another site', { host: 'evil.example' }],
])('the inspector of the demo refuses a request %s', async (_, headers) => {
  await using demo = await startDemo()
  const { status } = await ask(`${demo.url}/trpc/~inspector`, { headers })
  expect(status).toBe(403)
  expect((await ask(`${demo.url}/trpc/~inspector`)).status).toBe(200)
})
