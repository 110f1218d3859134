import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { startChromium } from '../support/chromium.ts'
import { type App, serveApp } from './app.ts'

/**
 * Serves a new app and opens its page before each test, and passes both to `onOpen`. A test fails if
 * its page has an uncaught error.
 */
export function useTab(
  onOpen: (app: App, tab: Page) => void,
  viewport = { width: 1280, height: 720 },
): void {
  let browser: Browser
  let app: App
  let tab: Page
  let failures: string[]
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    app = await serveApp()
    tab = await browser.newPage({ viewport })
    failures = []
    tab.on('pageerror', (error) => failures.push(error.message))
    await tab.goto(app.url)
    onOpen(app, tab)
  })
  afterEach(async () => {
    expect(failures).toEqual([])
    await tab.close()
    await app[Symbol.asyncDispose]()
  })
}
