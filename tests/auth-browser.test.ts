import http, { type RequestListener } from 'node:http'
import type { HTTPHandler } from '@trpc-sse/server/adapters/standalone'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChromium } from './support/chromium.ts'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { listen, type TestServer } from './support/http.ts'

declare const page: {
  logIn(user: string): Promise<void>
  publish(text: string): Promise<void>
  follow(): void
  readonly news: string[]
  readonly errors: string[]
  /** Sends a request as another site would forge it. Returns its status, or the browser's error. */
  forge(url: string, type: string): Promise<number | string>
  /** Does the same with a GET of a subscription. */
  forgeGet(url: string): Promise<number | string>
}

const script = `
import { createClient } from './cross-origin.ts'
const url = location.hash.slice(1)
const client = createClient(url)
const news = []
const errors = []
globalThis.page = {
  news,
  errors,
  logIn: (user) => client.logIn.mutate(user),
  publish: (text) => client.publish.mutate(text),
  follow: () => void client.onNews.subscribe(undefined, {
    onData: ({ data }) => news.push(data),
    onError: ({ message }) => errors.push(message),
  }),
  forge: (url, type) =>
    fetch(url + '/~sse', {
      method: 'POST',
      credentials: 'include',
      headers: { 'content-type': type },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions: {} }),
    }).then(({ status }) => status, ({ message }) => message),
  forgeGet: (url) =>
    fetch(url + '/onNews', { credentials: 'include' }).then(({ status }) => status, ({ message }) => message),
}`

let browser: Browser
let auth: DocFiles
let pages: TestServer
beforeAll(async () => {
  browser = await startChromium()
  auth = writeDocFiles('docs/auth.md', 'auth-browser')
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: auth.path('.'), sourcefile: auth.path('page.ts') },
    bundle: true,
    write: false,
    format: 'esm',
  })
  const html = `<!doctype html><link rel="icon" href="data:,"><script type="module">${outputFiles[0]?.text}</script>`
  pages = await listen((_request, response) =>
    response.setHeader('content-type', 'text/html').end(html),
  )
})
afterAll(async () => {
  await browser.close()
  await pages[Symbol.asyncDispose]()
  auth[Symbol.dispose]()
})

/**
 * Serves cookie.ts of docs/auth.md, with the CORS settings of docs/server-link.md for this origin.
 */
async function serve(origin: string) {
  const change = (code: string): string => code.replace('https://app.example.com', origin)
  using cors = writeDocFiles('docs/server-link.md', `auth-cors-${new URL(origin).port}`, change)
  const { corsHeaders } = await import(cors.path('cors.ts'))
  const { handler }: { handler: HTTPHandler } = await import(auth.path('cookie.ts'))
  const asked: string[] = []
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.headers['content-type'] ?? ''}`.trim())
    for (const [name, value] of Object.entries<string>(corsHeaders(request.headers.origin)))
      response.setHeader(name, value)
    if (request.method === 'OPTIONS') response.writeHead(204).end()
    else handler(request, response)
  }
  const server = await listen(http.createServer(listener))
  return { ...server, asked, link: handler.link, url: `${onLocalhost(server.url)}/trpc` }
}

const onLocalhost = (url: string): string => url.replace('127.0.0.1', 'localhost')

async function open(pageUrl: string, apiUrl: string): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext()
  const tab = await context.newPage()
  await tab.goto(`${pageUrl}/#${apiUrl}`)
  return Object.assign(tab, { [Symbol.asyncDispose]: () => context.close() })
}

describe('cookies across origins, as in docs/auth.md', () => {
  it('are sent with streams and with every reconnect', async () => {
    const origin = onLocalhost(pages.url)
    await using api = await serve(origin)
    await using tab = await open(origin, api.url)
    await tab.evaluate(() => page.follow())
    await tab.waitForFunction(() => page.errors.length === 1)
    expect(await tab.evaluate(() => page.errors)).toEqual(['UNAUTHORIZED'])

    await tab.evaluate(() => page.logIn('ann'))
    await tab.evaluate(() => page.follow())
    await tab.evaluate(() => page.publish('one'))
    await tab.waitForFunction(() => page.news.length === 1)
    expect(api.link.disconnect(({ key }) => key === 'ann')).toBe(1)
    await tab.evaluate(() => page.publish('two'))
    await tab.waitForFunction(() => page.news.length === 2)
    expect(await tab.evaluate(() => page.news)).toEqual(['one', 'two'])
  })

  it('allow no other site to open a stream', async () => {
    const origin = onLocalhost(pages.url)
    await using api = await serve(origin)
    await using own = await open(origin, api.url)
    expect(await own.evaluate((url) => page.forge(url, 'application/json'), api.url)).toBe(200)
    expect(api.asked).toEqual(['OPTIONS', 'POST application/json'])

    await using evil = await open(pages.url, api.url)
    api.asked.length = 0
    expect(await evil.evaluate((url) => page.forge(url, 'application/json'), api.url)).toBe(
      'Failed to fetch',
    )
    expect(api.asked).toEqual(['OPTIONS'])
    expect(await evil.evaluate((url) => page.forgeGet(url), api.url)).toBe('Failed to fetch')
    expect(api.asked).toEqual(['OPTIONS', 'GET'])
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      expect(
        await own.evaluate(([url, given]) => page.forge(url, given), [api.url, type] as const),
      ).toBe(415)
    }
  })
})
