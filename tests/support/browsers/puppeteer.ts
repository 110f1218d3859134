import { type EvaluateFunc, type LaunchOptions, launch, type Page } from 'puppeteer-core'
import type { Tab, TestBrowser } from './browser.ts'

/** A tab, with methods that only some browsers have. */
export interface PuppeteerTab extends Tab {
  readonly page: Page
}

/** Opens the Chromium from `CHROMIUM_BIN`, or Debian's. */
export function openChromium(): Promise<TestBrowser<PuppeteerTab>> {
  return open({
    executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-component-update'],
  })
}

/** Opens the Firefox from `FIREFOX_BIN`, or Debian's. */
export function openFirefox(): Promise<TestBrowser<PuppeteerTab>> {
  return open({
    browser: 'firefox',
    executablePath: process.env.FIREFOX_BIN || '/usr/bin/firefox-esr',
  })
}

async function open(options: LaunchOptions): Promise<TestBrowser<PuppeteerTab>> {
  const browser = await launch({
    acceptInsecureCerts: true,
    timeout: 50_000,
    protocolTimeout: 30_000,
    ...options,
  })
  return {
    async open(url) {
      const page = await browser.newPage()
      await page.goto(url)
      return tabOf(page)
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

function tabOf(page: Page): PuppeteerTab {
  const close = async (): Promise<void> => {
    if (!page.isClosed()) await page.close()
  }
  return {
    page,
    async goto(url) {
      await page.goto(url)
    },
    // Puppeteer's types distinguish handles of the page's objects. JSON has no handles.
    call: <TResult>(inPage: (...given: never[]) => unknown, ...given: unknown[]) =>
      page.evaluate(inPage as EvaluateFunc<unknown[]>, ...given) as Promise<TResult>,
    show: () => page.bringToFront(),
    close,
    [Symbol.asyncDispose]: close,
  }
}
