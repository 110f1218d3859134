import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { Tab, TestBrowser } from '../support/browsers/browser.ts'
import { range } from '../support/numbers.ts'
import { type App, rooms, serveApp } from './app.ts'
import type { TestPage } from './page.ts'

declare const page: TestPage

/** Tabs of an app, in a test. */
export interface Tabs<TTab extends Tab> {
  app(): App
  /** Opens a tab that follows all rooms. */
  open(user?: string): Promise<TTab>
  /** Opens `count` tabs, and finds out which of them leads. */
  openMany(count: number): Promise<{ readonly leader: TTab; readonly others: readonly TTab[] }>
  /** Publishes `count` numbers. */
  publishMany(count: number): Promise<void>
  /** Publishes continuously until `something` is done. */
  publishDuring(something: () => Promise<unknown>): Promise<void>
}

/** Serves a new app for each test of a suite, and closes the tabs that the test has opened. */
export function useTabs<TTab extends Tab>(browser: () => TestBrowser<TTab>): Tabs<TTab> {
  let current: App | undefined
  let opened = new AsyncDisposableStack()
  beforeEach(async () => {
    opened = new AsyncDisposableStack()
    current = opened.use(await serveApp())
  })
  afterEach(() => opened.disposeAsync())

  function app(): App {
    if (!current) throw new Error('No test runs.')
    return current
  }

  async function open(user = 'ada'): Promise<TTab> {
    const tab = opened.use(await browser().open(`${app().url}/?user=${user}`))
    await tab.call((all) => page.follow(all), rooms)
    return tab
  }

  return {
    app,
    open,
    async openMany(count) {
      const tabs: TTab[] = []
      for (let i = 0; i < count; i++) tabs.push(await open())
      const leads = await Promise.all(tabs.map((tab) => tab.call(() => page.isLeader())))
      expect(leads.filter(Boolean).length).toBe(1)
      const leader = tabs[leads.indexOf(true)]
      if (!leader) throw new Error('No tab leads.')
      return { leader, others: tabs.filter((tab) => tab !== leader) }
    },
    async publishMany(count) {
      for (let i = 0; i < count; i++) await app().publish()
    },
    async publishDuring(something) {
      let isDone = false
      const done = something().finally(() => {
        isDone = true
      })
      while (!isDone) {
        await app().publish()
        await new Promise((resolve) => setImmediate(resolve))
      }
      await done
    },
  }
}

/** Waits until tabs have all published numbers, and checks that they have no others. */
export async function expectAll(app: App, ...tabs: readonly Tab[]): Promise<void> {
  const last = (): Array<number | undefined> => Object.values(page.numbers).map((all) => all.at(-1))
  for (const tab of tabs) {
    await vi.waitFor(
      async () => expect(await tab.call(last)).toEqual(rooms.map(() => app.last())),
      20_000,
    )
    const { numbers, troubles } = await tab.call(() => ({
      numbers: page.numbers,
      troubles: page.troubles,
    }))
    expect(troubles).toEqual([])
    expect(numbers, `tab ${tabs.indexOf(tab)} of ${tabs.length}`).toEqual(
      Object.fromEntries(rooms.map((room) => [room, range(1, app.last())])),
    )
  }
}

/** Waits until all tabs have one stream. */
export const untilOneStream = ({ link }: App): Promise<void> =>
  vi.waitFor(() => expect(link.stats()).toMatchObject({ connections: 1, subscriptions: 3 }), 20_000)
