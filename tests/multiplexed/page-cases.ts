import { expect, it, vi } from 'vitest'
import type { Tab, TestBrowser } from '../support/browsers/browser.ts'
import { range } from '../support/numbers.ts'
import { type App, createApp, names, serveHttp1, serveHttp2 } from './app.ts'
import type { PageOptions, TestPage } from './page.ts'

declare const page: TestPage

const versions = [
  { version: 'HTTP/1.1', protocol: 'http/1.1', serve: serveHttp1 },
  { version: 'HTTP/2', protocol: 'h2', serve: serveHttp2 },
]

/** The address of a page whose link has these options. */
export const address = (url: string, options: PageOptions): string =>
  `${url}/?link=${encodeURIComponent(JSON.stringify(options))}`

/** Waits until something is so. */
export const until = (isSo: () => unknown): Promise<unknown> =>
  vi.waitFor(isSo, { timeout: 30_000 })

/** Waits until there is no stream. */
export const untilNoStream = ({ link }: App): Promise<unknown> =>
  until(() => expect(link.stats()).toMatchObject({ connections: 0, subscriptions: 0 }))

/** Waits until all subscriptions are on one stream. */
export const untilOneStream = ({ link }: App): Promise<unknown> =>
  until(() => expect(link.stats()).toMatchObject({ connections: 1, subscriptions: 100 }))

/**
 * Waits until a tab has the last number in every log, and checks that it has exactly those from the
 * first one on.
 */
export async function expectAll(tab: Tab, last: number, first = 1): Promise<void> {
  const behind = (end: number): string[] =>
    Object.keys(page.numbers).filter((name) => page.numbers[name]?.at(-1) !== end)
  await until(async () => expect(await tab.call(behind, last)).toEqual([]))
  const { numbers, troubles } = await tab.call(() => ({
    numbers: page.numbers,
    troubles: page.troubles,
  }))
  expect(troubles).toEqual([])
  expect(numbers).toEqual(Object.fromEntries(names.map((name) => [name, range(first, last)])))
}

/** Publishes these numbers. */
export async function publishAll(app: App, numbers: readonly number[]): Promise<void> {
  for (const n of numbers) await app.publish(n)
}

/** What a page with many subscriptions does in every browser. */
export function oneStreamCases(browser: () => TestBrowser): void {
  it.each(versions)(
    'with 100 subscriptions has one stream over $version, gets all their events, and is blocked in no mutation',
    async ({ protocol, serve }) => {
      await using app = createApp()
      await using server = await serve(app)
      await using tab = await browser().open(server.url)
      expect(await tab.call(() => page.protocol())).toBe(protocol)
      await tab.call((all) => page.follow(all), names)
      expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
      for (const n of range(1, 20)) {
        const [answer] = await Promise.all([
          tab.call((given) => page.add(given, 10_000), n),
          app.publish(n),
        ])
        expect(answer).toBe(n + 1)
      }
      await expectAll(tab, 20)
      expect(app.link.stats()).toMatchObject({ connections: 1, subscriptions: 100 })
    },
  )

  it('for contrast, with 6 EventSources over HTTP/1.1 can call nothing more', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    await using tab = await browser().open(server.url)
    await tab.call((some) => page.followNatively(some), names.slice(0, 6))
    expect(app.link.stats().connections).toBe(6)
    await expect(tab.call(() => page.add(1, 500))).rejects.toThrow(/abort|timed out/i)
  })
}

/** What a page that loses its stream does in every browser. */
export function resumeCases(browser: () => TestBrowser): void {
  it.each(versions)(
    'goes on with every subscription when its connections over $version are cut',
    async ({ serve }) => {
      // WebKit for GTK tells no page that its HTTP/2 connection is gone: there, silence does.
      await using app = createApp({ heartbeatMs: 300 })
      await using server = await serve(app)
      await using tab = await browser().open(server.url)
      await tab.call((all) => page.follow(all), names)
      for (const done of [0, 10, 20]) {
        await publishAll(app, range(done + 1, done + 5))
        server.cut()
        await publishAll(app, range(done + 6, done + 10))
        await untilOneStream(app)
      }
      await expectAll(tab, 30)
    },
  )

  it('goes on with every subscription when it is loaded again, if it keeps where they stand', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    const url = address(server.url, { persists: true })
    await using tab = await browser().open(url)
    await tab.call((all) => page.follow(all), names)
    await publishAll(app, range(1, 5))
    await expectAll(tab, 5)
    await tab.goto(`${server.url}/elsewhere`)
    await untilNoStream(app)
    await publishAll(app, range(6, 10))
    await tab.goto(url)
    await tab.call((all) => page.follow(all), names)
    await expectAll(tab, 10, 6)
  })
}

/**
 * What a page does where the browser keeps one that had a stream: Firefox keeps none that had a
 * request open.
 */
export function broughtBackCase(browser: () => TestBrowser): void {
  it('goes on with every subscription when it is brought back by the back button', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    await using tab = await browser().open(server.url)
    await tab.call((all) => page.follow(all), names)
    await publishAll(app, range(1, 5))
    await expectAll(tab, 5)
    await tab.goto(`${server.url}/elsewhere`)
    await untilNoStream(app)
    await publishAll(app, range(6, 10))
    await tab.call(() => history.back())
    await until(async () =>
      expect(await tab.call(() => page.shown)).toEqual(['loaded', 'brought back']),
    )
    await expectAll(tab, 10)
    await untilOneStream(app)
    await publishAll(app, [11])
    await expectAll(tab, 11)
  })
}

/**
 * What a page does where a tab is hidden by the next one, as by all browsers that have a window.
 */
export function hiddenCase(browser: () => TestBrowser): void {
  it('lets its stream go while it is hidden for long, and goes on with every subscription when it is shown', async () => {
    await using app = createApp()
    await using server = await serveHttp1(app)
    await using tab = await browser().open(address(server.url, { hiddenTimeoutMs: 50 }))
    await tab.call((all) => page.follow(all), names)
    await publishAll(app, [1])
    await expectAll(tab, 1)
    await using other = await browser().open(`${server.url}/elsewhere`)
    await other.show()
    await untilNoStream(app)
    await publishAll(app, range(2, 5))
    await tab.show()
    await expectAll(tab, 5)
    await untilOneStream(app)
  })
}
