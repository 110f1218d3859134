/** Failures that users of other devtools have reported, tried on ours in a browser. */
import type { Locator, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import type { App } from './app.ts'
import type { TestPage } from './page.ts'
import { useTab } from './tab.ts'

declare const page: TestPage

let app: App
let tab: Page
useTab((served, opened) => {
  app = served
  tab = opened
})

const button = (name: string | RegExp): Locator => tab.getByRole('button', { name })
const mount = (): Promise<void> => tab.evaluate(() => page.mount())
const got = (): Promise<unknown[]> => tab.evaluate(() => page.got)

// https://github.com/TanStack/query/issues/7094
it('a panel that is closed while offline and opened again still says so', async () => {
  await mount()
  await tab.evaluate(() => page.follow('onMessage', { id: 'a' }))
  await button('Go offline for 10 s').click()
  await tab.evaluate(() => page.unmount())
  await mount()
  await tab.getByText('Offline: streams are cut, and requests fail.').waitFor()
  await button(/^Go online/).click()
  await button('Go offline for 10 s').waitFor()
  await app.publish('one')
  await expect.poll(got).toEqual(['one'])
})

it('the network returns by itself, though the panel is gone', async () => {
  await mount()
  await tab.evaluate(() => page.follow('onMessage', { id: 'a' }))
  await button('Go offline for 10 s').click()
  await tab.evaluate(() => page.unmount())
  await app.publish('one')
  expect(await tab.evaluate(() => page.send('two').catch(() => 'failed'))).toBe('failed')
  expect(await got()).toEqual([])
  await tab.evaluate(() => page.pass())
  await expect.poll(got).toEqual(['one'])
})

// https://github.com/code-forge-io/react-router-devtools/pull/250
// https://github.com/vuejs/devtools-v6/issues/550
it('an event that is nested deep can be shown and looked for', async () => {
  await mount()
  await tab.evaluate(() => page.follow('onMessage', { id: 'a' }))
  let event: unknown = 'needle'
  for (let depth = 0; depth < 200; depth += 1) event = { inner: [event] }
  await app.publish(event)
  await expect.poll(() => tab.evaluate(() => page.got.length)).toBe(1)
  await tab.getByRole('tab', { name: 'Timeline' }).click()
  await tab.getByText('{ inner: [{ inner: [').waitFor()
  await tab.getByRole('searchbox', { name: 'Filter' }).fill('inner')
  await tab.getByText('{ inner: [{ inner: [').waitFor()
})
