import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { range } from '../support/numbers.ts'
import { type AppServer, createApp, names, serveHttp1, serveHttp2 } from './app.ts'
import type { TestPage } from './page.ts'

declare const page: TestPage

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(() => browser.close())

async function openPage({ url }: AppServer): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true })
  const opened = await context.newPage()
  await opened.goto(url)
  return Object.assign(opened, { [Symbol.asyncDispose]: () => context.close() })
}

const versions = [
  { version: 'HTTP/1.1', protocol: 'http/1.1', serve: serveHttp1 },
  { version: 'HTTP/2', protocol: 'h2', serve: serveHttp2 },
]

describe.each(versions)('a page in Chromium over $version', ({ protocol, serve }) => {
  it('with 100 subscriptions has one stream, gets all their events, and is blocked in no mutation', async () => {
    await using app = createApp()
    await using server = await serve(app)
    await using tab = await openPage(server)
    expect(await tab.evaluate(() => page.protocol())).toBe(protocol)
    await tab.evaluate((all) => page.follow(all), names)
    expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
    for (const n of range(1, 20)) {
      const [answer] = await Promise.all([tab.evaluate((given) => page.add(given, 2_000), n), app.publish(n)])
      expect(answer).toBe(n + 1)
    }
    await tab.waitForFunction((all) => all.every((name) => page.numbers[name]?.length === 20), names, {
      polling: 20,
    })
    expect(await tab.evaluate(() => page.numbers)).toEqual(
      Object.fromEntries(names.map((name) => [name, range(1, 20)])),
    )
    expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
  })
})

describe('for contrast', () => {
  it('a page with 6 EventSources over HTTP/1.1 can call nothing more', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    await using tab = await openPage(server)
    await tab.evaluate((some) => page.followNatively(some), names.slice(0, 6))
    expect(app.link.stats().connections).toBe(6)
    await expect(tab.evaluate(() => page.add(1, 500))).rejects.toThrow(/abort|timed out/i)
  })
})
