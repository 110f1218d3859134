import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Tab } from '../support/browsers/browser.ts'
import { useBrowser } from '../support/browsers/browser.ts'
import { openChromium } from '../support/browsers/puppeteer.ts'
import { bundlePage } from '../support/bundle.ts'
import { createApp } from './app.ts'
import { eventSourceCases, type Reader } from './cases.ts'
import type { SourceName, TestPage } from './page.ts'

declare const page: TestPage

const browser = useBrowser(openChromium)
let html = ''
beforeAll(async () => {
  html = await bundlePage(join(import.meta.dirname, 'page.ts'))
})

describe.each<{ source: SourceName; saysStatus: boolean }>([
  { source: 'native', saysStatus: false },
  { source: 'react-native-sse', saysStatus: true },
])('the EventSource of $source, in Chromium without web streams,', ({ source, saysStatus }) => {
  const read = async (url: string): Promise<Reader> =>
    readerOf(await browser().open(`${url}/?source=${source}`))
  eventSourceCases({ html: () => html, read, saysStatus })

  it('has neither streams nor fetch', async () => {
    await using app = await createApp(html)
    await app.serve()
    await using tab = await browser().open(`${app.url}/?source=${source}`)
    expect(await tab.call(() => page.missing)).toEqual([
      'ReadableStream',
      'TextDecoderStream',
      'TextDecoder',
      'fetch',
    ])
  })
})

function readerOf(tab: Tab): Reader {
  return {
    got: () => tab.call(() => page.got),
    follow: (names) => tab.call((given) => page.follow(given), names),
    followOthers: () => tab.call(() => page.followOthers()),
    askGateway: () => tab.call(() => page.askGateway()),
    [Symbol.asyncDispose]: () => tab[Symbol.asyncDispose](),
  }
}
