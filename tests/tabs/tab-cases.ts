import { expect, it, vi } from 'vitest'
import type { Tab } from '../support/browsers/browser.ts'
import type { TestPage } from './page.ts'
import { expectAll, type Tabs, untilOneStream } from './tabs.ts'

declare const page: TestPage

/** The cases of `count` tabs, for every browser. */
export function tabCases(tabs: Tabs<Tab>, count: number): void {
  const { app, openMany, publishMany, publishDuring } = tabs

  it('share one stream, and each gets everything', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(20)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })

  it('R16: continue with another leader when the leader is closed', async () => {
    const { leader, others } = await openMany(count)
    await publishMany(5)
    await publishDuring(() => leader.close())
    await publishMany(20)
    await expectAll(app(), ...others)
    await untilOneStream(app())
  })

  it('R16: continue with another leader when the leader opens another page', async () => {
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

  it('R16: continue when the leader leaves, and so does that tab when it is brought back', async () => {
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
