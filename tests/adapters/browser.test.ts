import { join } from 'node:path'
import { createAdapterApp } from '@trpc-sse/server/testing'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundlePage } from '../support/bundle.ts'
import { startChromium } from '../support/chromium.ts'
import { openDoor } from '../support/door.ts'
import { range } from '../support/numbers.ts'
import { freePort } from '../support/redis.ts'
import { mounts } from './mounts.ts'
import type { AdapterPage } from './page.ts'

declare const page: AdapterPage

let browser: Browser
let html: string
beforeAll(async () => {
  browser = await startChromium()
  html = await bundlePage(join(import.meta.dirname, 'page.ts'))
})
afterAll(() => browser.close())

const topics = range(1, 20).map((n) => `topic-${n}`)

/** Opens the page from the server's own origin, whatever else the server serves. */
async function openPage(url: string): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const tab = await context.newPage()
  const { origin, pathname } = new URL(url)
  await tab.route(`${origin}/`, (route) => route.fulfill({ body: html, contentType: 'text/html' }))
  await tab.goto(`${origin}/#${pathname}`)
  return tab
}

describe.each(mounts)('one page in Chromium, the app on $name', (mount) => {
  it('follows, publishes, is cut off and catches up', async () => {
    const server = await mount.serve({ app: createAdapterApp(), extra: undefined })
    const { protocol, port, pathname } = new URL(server.url)
    await using door = await openDoor([Number(port)])
    const url = `${protocol}//${new URL(door.url).host}${pathname}`
    const [tab, other] = await Promise.all([openPage(url), openPage(server.url)])
    try {
      expect(await tab.evaluate(() => page.whoami())).toBe('ann')
      const cookies = await tab.context().cookies(`${url}/whoami`)
      expect(cookies).toMatchObject([{ name: 'meta', value: '1' }])
      await tab.evaluate((all) => page.follow(all), topics)
      await tab.evaluate((all) => page.say(all, 'one'), topics)
      await untilAllHave(tab, 1)

      door.setPorts([await freePort()])
      expect(door.cut()).toBeGreaterThan(0)
      await other.evaluate((all) => page.say(all, 'two'), topics)
      expect(await tab.evaluate(() => Object.values(page.words).flat())).not.toContain('two')
      door.setPorts([Number(port)])
      await untilAllHave(tab, 2)
      const words = await tab.evaluate(() => page.words)
      expect(words).toEqual(Object.fromEntries(topics.map((topic) => [topic, ['one', 'two']])))
      expect(await tab.evaluate(() => page.gaps)).toEqual([])
    } finally {
      for (const each of [tab, other]) await each.context().close()
      await server.close()
    }
  })
})

/** Waits until the page has `count` words in every topic. */
async function untilAllHave(tab: Page, count: number): Promise<void> {
  const haveAll = (expected: number): boolean =>
    Object.values(page.words).every(({ length }) => length === expected)
  await tab.waitForFunction(haveAll, count, { polling: 20 })
}
