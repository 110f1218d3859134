import http from 'node:http'
import { join } from 'node:path'
import { createHTTPHandler, type HTTPHandler } from '@trpc-sse/server/adapters/standalone'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bundlePage } from '../support/bundle.ts'
import { startChromium } from '../support/chromium.ts'
import { listen, type TestServer } from '../support/http.ts'
import type { HooksPage } from './use-subscription-page.tsx'
import { createWordsApp } from './words-app.ts'

declare const page: HooksPage

let browser: Browser
let html: string
let app: ReturnType<typeof createWordsApp>
let handler: HTTPHandler
let server: TestServer
let tab: Page

beforeAll(async () => {
  browser = await startChromium()
  html = await bundlePage(join(import.meta.dirname, 'use-subscription-page.tsx'))
})
afterAll(() => browser.close())
beforeEach(async () => {
  app = createWordsApp()
  handler = createHTTPHandler({ ...app, basePath: '/trpc/', retryMs: 10 })
  const serve: http.RequestListener = (req, res) =>
    req.url?.startsWith('/trpc/')
      ? handler(req, res)
      : res.setHeader('content-type', 'text/html').end(html)
  server = await listen(http.createServer(serve))
  tab = await browser.newPage()
  await tab.goto(server.url)
})
afterEach(async () => {
  await tab.close()
  await app.channels.close()
  await server[Symbol.asyncDispose]()
})

/** Waits until both hooks show a text. */
async function expectBoth(text: string): Promise<void> {
  await vi.waitFor(
    async () => expect(await tab.locator('span').allTextContents()).toEqual([text, text]),
    {
      timeout: 10_000,
      interval: 20,
    },
  )
}

describe.each(['classic', 'tanstack'] as const)(
  'useSubscription of tRPC, %s, through our link',
  (kind) => {
    beforeEach(async () => {
      await tab.evaluate((name) => page.mount(name), kind)
      await expectBoth('pending - -')
    })

    it('gives status and data of one subscription to two equal hooks', async () => {
      await app.channels.words({ topic: 'a' }).publish('hello')
      await expectBoth('pending hello -')
      expect(await tab.evaluate(() => page.seen)).toEqual(['hello', 'hello'])
      expect(handler.link.stats()).toMatchObject({ connections: 1, subscriptions: 1 })
    })

    it('follows a new input, and ends the old subscription', async () => {
      await app.channels.words({ topic: 'a' }).publish('of a')
      await expectBoth('pending of a -')
      await tab.evaluate(() => page.change('b', true))
      await expectBoth('pending - -')
      await app.channels.words({ topic: 'b' }).publish('of b')
      await expectBoth('pending of b -')
      await expect.poll(() => handler.link.stats().subscriptions).toBe(1)
    })

    it('ends the subscription while it is not enabled', async () => {
      // tRPC decides what the hook shows in the meantime.
      await tab.evaluate(() => page.change('a', false))
      await expect.poll(() => handler.link.stats().subscriptions).toBe(0)
      await tab.evaluate(() => page.change('a', true))
      await expect.poll(() => handler.link.stats().subscriptions).toBe(1)
      await app.channels.words({ topic: 'a' }).publish('again')
      await expectBoth('pending again -')
    })

    it('starts again by reset, while the other hook continues', async () => {
      await app.channels.words({ topic: 'a' }).publish('before')
      await expectBoth('pending before -')
      await tab.getByRole('button').first().click()
      await expect
        .poll(() => tab.locator('span').allTextContents())
        .toEqual(['pending - -', 'pending before -'])
      await app.channels.words({ topic: 'a' }).publish('after')
      await expectBoth('pending after -')
    })

    it('shows an error, and continues when the server is back', async () => {
      await tab.evaluate(() => page.change('secret', true))
      await expectBoth('error - not yours')
      await tab.evaluate(() => page.change('a', true))
      await expectBoth('pending - -')
      server.cut()
      await app.channels.words({ topic: 'a' }).publish('while away')
      await expectBoth('pending while away -')
    })
  },
)
