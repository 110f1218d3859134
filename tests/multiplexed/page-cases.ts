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

/** Returns the address of the page, with options for its link. */
export const address = (url: string, options: PageOptions): string =>
  `${url}/?link=${encodeURIComponent(JSON.stringify(options))}`

/** Waits until a condition holds. */
export const until = (isSo: () => unknown): Promise<unknown> =>
  vi.waitFor(isSo, { timeout: 30_000 })

/** Waits until there is no stream. */
export const untilNoStream = ({ link }: App): Promise<unknown> =>
  until(() => expect(link.stats()).toMatchObject({ connections: 0, subscriptions: 0 }))

/** Waits until all subscriptions are on one stream. */
export const untilOneStream = ({ link }: App): Promise<unknown> =>
  until(() => expect(link.stats()).toMatchObject({ connections: 1, subscriptions: 100 }))

/**
 * Waits until a tab has the last number in every log. Checks that it has exactly the numbers from
 * `first` on.
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

/** The cases of a page with many subscriptions, for every browser. */
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

/** The cases of a page that loses its stream, for every browser. */
export function resumeCases(browser: () => TestBrowser): void {
  it.each(versions)(
    'continues every subscription when its connections over $version are cut',
    async ({ serve }) => {
      // WebKit for GTK doesn't report that an HTTP/2 connection is gone, so the page notices by
      // silence.
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

  it('continues every subscription when it is reloaded, if it keeps positions', async () => {
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
 * The case of a page in the back/forward cache, for browsers that keep a page with a stream.
 * Firefox keeps no page with an open request.
 */
export function broughtBackCase(browser: () => TestBrowser): void {
  it('continues every subscription when it is brought back by the back button', async () => {
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

/** The case of a tab that is hidden by the next one, for browsers with a window. */
export function hiddenCase(browser: () => TestBrowser): void {
  it('closes its stream while it is hidden for long, and continues every subscription when it is shown', async () => {
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
