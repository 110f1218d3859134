import { describe, expect, it } from 'vitest'
import { useBrowser } from '../support/browsers/browser.ts'
import { openChromium } from '../support/browsers/puppeteer.ts'
import { range } from '../support/numbers.ts'
import { createApp, names, serveHttp1 } from './app.ts'
import type { TestPage } from './page.ts'
import {
  address,
  broughtBackCase,
  expectAll,
  hiddenCase,
  oneStreamCases,
  publishAll,
  resumeCases,
  untilNoStream,
  untilOneStream,
} from './page-cases.ts'

declare const page: TestPage

describe('a page in Chromium', () => {
  const browser = useBrowser(openChromium)
  oneStreamCases(browser)
  resumeCases(browser)
  broughtBackCase(browser)
  hiddenCase(browser)

  it('continues every subscription as soon as the network is back', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    // So long that the end of the wait can't be the reason for the reconnect.
    const anHour = 3_600_000
    await using tab = await browser().open(
      address(server.url, { retry: { baseMs: anHour, maxMs: anHour } }),
    )
    await tab.call((all) => page.follow(all), names)
    await publishAll(app, range(1, 5))
    await expectAll(tab, 5)
    await tab.page.setOfflineMode(true)
    expect(await tab.call(() => navigator.onLine)).toBe(false)
    server.cut()
    await untilNoStream(app)
    await publishAll(app, range(6, 10))
    await tab.page.setOfflineMode(false)
    await expectAll(tab, 10)
    await untilOneStream(app)
  })
})
