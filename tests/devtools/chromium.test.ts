import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import type { App } from './app.ts'
import type { TestPage } from './page.ts'
import { useTab } from './tab.ts'

declare const page: TestPage

let app: App
let tab: Page
useTab(
  (served, opened) => {
    app = served
    tab = opened
  },
  { width: 800, height: 500 },
)

const button = (name: string | RegExp): Locator => tab.getByRole('button', { name })
const goTo = (name: string): Promise<void> => tab.getByRole('tab', { name }).click()
const rows = (list: string): Locator => tab.getByRole('list', { name: list }).locator('> li')
const row = (text: string): Locator => rows('Subscriptions').filter({ hasText: text })
const follow = (id: string): Promise<void> =>
  tab.evaluate((given) => page.follow('onMessage', { id: given }), id)
const got = (): Promise<unknown[]> => tab.evaluate(() => page.got)
const picture = (name: string): Promise<Buffer> =>
  tab.screenshot({ path: join(import.meta.dirname, `screenshots/${name}.png`) })

it('shows each subscription with its input, status, events and position', async () => {
  await tab.evaluate(() => page.mount())
  await tab.getByText('No subscriptions yet.').waitFor()
  await follow('a')
  await follow('b')
  const { id } = await app.publish('one')
  await app.publish('two', 'b')
  await app.publish('three', 'b')
  await row('"a"').getByText('1 event', { exact: true }).waitFor()
  await row('"b"').getByText('2 events', { exact: true }).waitFor()
  await row('"a"').getByText(`at ${id}`).waitFor()
  await row('"a"').getByText('live').waitFor()
  await tab.getByText('2 live').waitFor()
  await tab.evaluate(() => page.unfollow(0))
  await row('"a"').getByText('unsubscribed').waitFor()
  await tab.evaluate(() => page.follow('onFailure').catch(() => {}))
  await row('onFailure').getByText('Not for you.').waitFor()
  await row('onFailure').getByText('failed').waitFor()
})

it('goes offline for 10 s, and continues without a loss', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  await app.publish('before')
  await expect.poll(got).toEqual(['before'])
  await button('Go offline for 10 s').click()
  await tab.getByText('Offline: streams are cut, and requests fail.').waitFor()
  await row('"a"').getByText('reconnecting', { exact: true }).waitFor()
  await expect(tab.evaluate(() => page.send('x'))).rejects.toThrow('offline by the devtools')
  for (const number of range(1, 10)) await app.publish(number)
  await button(/^Go online \(in \d+ s\)$/).waitFor()
  expect(await got()).toEqual(['before'])
  await tab.evaluate(() => page.pass())
  await expect.poll(got).toEqual(['before', ...range(1, 10)])
  await row('"a"').getByText('11 events · 1 reconnect').waitFor()
  await row('"a"').getByText('last reconnect: The connection to').waitFor()
  await button('Go offline for 10 s').waitFor()
  await tab.evaluate(() => page.send('after'))
  await expect.poll(got).toContain('after')
})

it('goes online early, and shows a gap where events are missing', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  const { id } = await app.publish(0)
  await expect.poll(got).toEqual([0])
  await button('Go offline for 10 s').click()
  await row('"a"').getByText('reconnecting', { exact: true }).waitFor()
  for (const number of range(1, 30)) await app.publish(number)
  await button(/Go online/).click()
  await row('"a"').getByText('1 gap').waitFor()
  await row('"a"').getByRole('button', { name: 'onMessage' }).click()
  await rows('Timeline').getByText(`Events after ${id} are missing: trimmed.`).waitFor()
})

it('shows why a stream was lost, and cuts one', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  await goTo('Requests')
  await rows('Requests').getByText('status 200').waitFor()
  await rows('Requests').getByRole('button', { name: 'Cut' }).click()
  await rows('Requests').getByText('cut by the devtools').waitFor()
  await goTo('Subscriptions')
  await row('"a"').getByText('reconnecting', { exact: true }).waitFor()
  await row('"a"').getByText('The connection to').waitFor()
  await tab.evaluate(() => dispatchEvent(new Event('online')))
  await row('"a"').getByText('live').waitFor()
  app.cut()
  await row('"a"').getByText('2 reconnects').waitFor()
})

it('shows no headers and no connection params', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  const text = (): Promise<string | null> => tab.locator('[data-trpc-sse-devtools]').innerHTML()
  for (const name of ['Timeline', 'Frames', 'Requests', 'Subscriptions']) {
    await goTo(name)
    await rows(name).first().waitFor()
    const shadow = await tab.evaluate(
      () => document.querySelector('[data-trpc-sse-devtools]')?.shadowRoot?.innerHTML,
    )
    expect(shadow).not.toContain('secret')
    expect(shadow).toContain(
      { Frames: '$connected', Requests: 'POST /trpc/~sse' }[name] ?? 'onMessage',
    )
    expect(shadow).not.toMatch(/connectionId[^…]{20}/)
  }
  expect(await text()).toBe('')
})

it('shows frames as they come, and keeps the lists as they are while it is paused', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  await goTo('Frames')
  await rows('Frames').getByText('$started').waitFor()
  const { id } = await app.publish('one')
  await rows('Frames').filter({ hasText: id }).getByText('{"json":"one"}').waitFor()
  await button('Pause').click()
  await tab.getByRole('button', { name: 'Pause', pressed: true }).waitFor()
  const count = await rows('Frames').count()
  await app.publish('two')
  await expect.poll(got).toEqual(['one', 'two'])
  // The header is rendered after the event, and the list isn't.
  await button('Go offline for 10 s').click()
  await tab.getByText('Offline: streams are cut').waitFor()
  expect(await rows('Frames').count()).toBe(count)
  await button('Pause').click()
  await rows('Frames').getByText('{"json":"two"}').waitFor()
})

it('shows hostile values as text', async () => {
  await tab.evaluate(() => page.mount())
  await tab.evaluate(() => page.followHostile())
  await app.publish(
    { html: '<script>document.title = "injected"</script>', big: 5n, none: undefined },
    'hostile',
  )
  await row('onMessage').getByText('1 event').waitFor()
  await row('onMessage').getByText('self: (circular)').waitFor()
  await row('onMessage').getByText('<img src=x onerror').waitFor()
  await goTo('Timeline')
  const event = rows('Timeline').filter({ hasText: 'big: 5n' })
  await event.locator('summary').press('Enter')
  await event.locator('pre').getByText('<script>document.title').waitFor()
  expect(await tab.title()).toBe('Devtools')
})

it('is used with the keyboard alone', async () => {
  await tab.evaluate(() => page.mount())
  await follow('a')
  await follow('b')
  for (const _ of ['offline', 'pause', 'clear', 'tabs']) await tab.keyboard.press('Tab')
  await tab.keyboard.press('ArrowRight')
  await tab.keyboard.press('ArrowRight')
  await tab.keyboard.press('ArrowLeft')
  await tab.getByRole('tab', { name: 'Timeline', selected: true }).waitFor()
  await tab.keyboard.press('Tab')
  await tab.keyboard.type('"B"')
  await expect.poll(() => rows('Timeline').count()).toBe(2)
  for (const _ of ['list', 'entry']) await tab.keyboard.press('Tab')
  await tab.keyboard.press('Enter')
  await rows('Timeline').locator('details[open]').waitFor()
})

it('fits into 360 pixels', async () => {
  await tab.setViewportSize({ width: 360, height: 640 })
  await tab.evaluate(() => page.mount({ theme: 'dark' }))
  await follow('a-room-with-quite-a-long-name-that-does-not-fit')
  await app.publish('one', 'a-room-with-quite-a-long-name-that-does-not-fit')
  await row('onMessage').getByText('1 event').waitFor()
  for (const name of ['Timeline', 'Frames', 'Requests', 'Subscriptions']) {
    await goTo(name)
    await rows(name).first().waitFor()
    await picture(`narrow-${name.toLowerCase()}`)
    const panels = tab.locator('[data-trpc-sse-devtools]')
    expect(await panels.evaluate((host) => host.scrollWidth)).toBe(360)
    expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    const panel = tab.getByRole('tabpanel', { name })
    expect(await panel.evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0)
  }
})

it('shows 100 of 10,000 subscriptions, and does nothing while it is closed', async () => {
  await tab.evaluate(() => page.simulate(10_000))
  await tab.getByText('and 9,900 more').waitFor()
  expect(await rows('Subscriptions').count()).toBe(100)
  await tab.evaluate(() => page.tick(20_000))
  await row('number: 0 }').getByText('2 events').waitFor()
  await goTo('Timeline')
  expect(await rows('Timeline').count()).toBe(100)
  await tab.evaluate(() => page.update({ isOpen: false }))
  const before = await tab.evaluate(() => page.timers())
  expect(before).toBeGreaterThan(0)
  await tab.evaluate(() => page.tick(1_000))
  expect(await tab.evaluate(() => page.timers())).toBe(before)
  await tab.evaluate(() => page.update({ isOpen: true }))
  await rows('Timeline').getByText('number: 999,').waitFor()
})

it.each(['light', 'dark'] as const)('is a plugin of TanStack Devtools, %s', async (theme) => {
  await tab.goto(`${app.url}/tanstack`)
  await tab.setViewportSize({ width: 1_000, height: 480 })
  await tab.evaluate((given) => page.mountInTanStack(given), theme)
  for (const id of ['random', 'lobby', 'support']) await follow(id)
  for (const text of ['Hello.', 'Anybody here?'])
    await app.publish({ author: 'ada', text }, 'lobby')
  await row('lobby').getByText('2 events').waitFor()
  await button('Go offline for 10 s').click()
  await row('lobby').getByText('reconnecting', { exact: true }).waitFor()
  for (const number of range(1, 30))
    await app.publish({ author: 'joe', text: `${number}` }, 'random')
  await button(/Go online/).click()
  await row('random').getByText('1 gap').waitFor()
  const background = await tab
    .locator('[data-trpc-sse-devtools]')
    .evaluate((host) => getComputedStyle(host).backgroundColor)
  expect(background).toBe({ light: 'rgb(255, 255, 255)', dark: 'rgb(27, 27, 29)' }[theme])
  await picture(`tanstack-${theme}`)
})

it('is a plugin of TanStack Devtools without React, also in a window of its own', async () => {
  await tab.goto(`${app.url}/tanstack`)
  await tab.evaluate(() => page.mountInCore())
  await follow('lobby')
  await row('lobby').getByText('live').waitFor()
  const background = (page: Page): Promise<string> =>
    page
      .locator('[data-trpc-sse-devtools]')
      .evaluate((host) => getComputedStyle(host).backgroundColor)
  expect(await background(tab)).toBe('rgb(27, 27, 29)')
  await button('Close TanStack Devtools').click()
  const before = await tab.evaluate(() => page.timers())
  await app.publish('one', 'lobby')
  await expect.poll(got).toEqual(['one'])
  expect(await tab.evaluate(() => page.timers())).toBe(before)
  await button('Open TanStack Devtools').click()
  await row('lobby').getByText('1 event').waitFor()
  const detached = tab.waitForEvent('popup')
  await button('Detach TanStack Devtools').click()
  const popup = await detached
  await app.publish('two', 'lobby')
  await popup.getByRole('list', { name: 'Subscriptions' }).getByText('2 events').waitFor()
  expect(await background(popup)).toBe('rgb(27, 27, 29)')
})
