import { expect, it, vi } from 'vitest'
import type { Tab } from '../support/browsers/browser.ts'
import type { TestPage } from './page.ts'
import { expectAll, type Tabs, untilOneStream } from './tabs.ts'

declare const page: TestPage

/** The cases of `count` tabs, for every browser. */
export function tabCases(tabs: Tabs<Tab>, count: number): void {
  const { app, openMany, publishMany, publishDuring } = tabs

  it('have one stream, and each gets everything', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(20)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })

  it('R16: go on with another one when the one that leads is closed', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(5)
    await publishDuring(() => leader.close())
    await publishMany(20)
    await expectAll(app(), ...others)
    await untilOneStream(app())
  })

  it('R16: go on with another one when the one that leads goes to another page', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(5)
    await publishDuring(() => leader.goto(`${app().url}/elsewhere`))
    await publishMany(20)
    await expectAll(app(), ...others)
    await untilOneStream(app())
  })
}

/** The case of tabs in the back/forward cache, for browsers that keep pages with a stream. */
export function broughtBackTabCase(tabs: Tabs<Tab>, count: number): void {
  const { app, openMany, publishMany, publishDuring } = tabs

  it('R16: go on when the one that leads goes, and so does that when it is brought back', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(5)
    await publishDuring(() => leader.goto(`${app().url}/elsewhere`))
    await publishMany(20)
    await expectAll(app(), ...others)
    await leader.call(() => history.back())
    await vi.waitFor(
      async () => expect(await leader.call(() => page.shown)).toEqual(['loaded', 'brought back']),
      20_000,
    )
    await publishMany(20)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })
}
