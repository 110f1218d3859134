import { join } from 'node:path'
import { type AdapterServer, createAdapterApp } from '@trpc-sse/server/testing'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundlePage } from '../support/bundle.ts'
import { startChromium } from '../support/chromium.ts'
import { range } from '../support/numbers.ts'
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

/** Opens the page, from the server's own origin, whatever else that serves. */
async function openPage({ url }: AdapterServer): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const tab = await context.newPage()
  const { origin, pathname } = new URL(url)
  await tab.route(`${origin}/`, (route) => route.fulfill({ body: html, contentType: 'text/html' }))
  await tab.goto(`${origin}/#${pathname}`)
  return tab
}

describe.each(mounts)('one page in Chromium, the app on $name', (mount) => {
  it('follows, says, goes offline and catches up', async () => {
    const server = await mount.serve({ app: createAdapterApp(), extra: undefined })
    const [tab, other] = await Promise.all([openPage(server), openPage(server)])
    try {
      expect(await tab.evaluate(() => page.whoami())).toBe('ann')
      const cookies = await tab.context().cookies(`${server.url}/whoami`)
      expect(cookies).toMatchObject([{ name: 'meta', value: '1' }])
      await tab.evaluate((all) => page.follow(all), topics)
      await tab.evaluate((all) => page.say(all, 'one'), topics)
      await tab.context().setOffline(true)
      await other.evaluate((all) => page.say(all, 'two'), topics)
      await tab.context().setOffline(false)
      await tab.waitForFunction((all) => all.every((topic) => page.words[topic]?.length === 2), topics, {
        polling: 20,
      })
      const words = await tab.evaluate(() => page.words)
      expect(words).toEqual(Object.fromEntries(topics.map((topic) => [topic, ['one', 'two']])))
      expect(await tab.evaluate(() => page.gaps)).toEqual([])
    } finally {
      for (const each of [tab, other]) await each.context().close()
      await server.close()
    }
  })
})
