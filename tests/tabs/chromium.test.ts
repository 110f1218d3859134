import { setTimeout } from 'node:timers/promises'
import type { CDPSession } from 'puppeteer-core'
import { describe, expect, it } from 'vitest'
import { useBrowser } from '../support/browsers/browser.ts'
import { openChromium, type PuppeteerTab } from '../support/browsers/puppeteer.ts'
import { broughtBackTabCase, tabCases } from './tab-cases.ts'
import { expectAll, untilOneStream, useTabs } from './tabs.ts'

const session = ({ page }: PuppeteerTab): Promise<CDPSession> => page.createCDPSession()

/** Pauses a tab at a breakpoint this many times, each time for 100 milliseconds. */
async function pause(cdp: CDPSession, times: number): Promise<void> {
  await cdp.send('Debugger.enable')
  for (let i = 0; i < times; i++) {
    let isPaused = false
    const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve)).then(() => {
      isPaused = true
    })
    // Does nothing while another tab in the same process is paused.
    while (!isPaused) {
      await cdp.send('Debugger.pause')
      await Promise.race([paused, setTimeout(100)])
    }
    await setTimeout(100)
    await cdp.send('Debugger.resume')
  }
  await cdp.send('Debugger.disable')
}

describe('five tabs in Chromium', () => {
  const tabs = useTabs(useBrowser(openChromium))
  const { app, open, openMany, publishMany, publishDuring } = tabs
  tabCases(tabs, 5)
  broughtBackTabCase(tabs, 5)

  it('R16: continue when the leader crashes', async () => {
    const { leader, others } = await openMany(5)
    await publishMany(5)
    const crashed = new Promise((resolve) => leader.page.once('error', resolve))
    // The crashed page doesn't answer.
    const killed = (await session(leader)).send('Page.crash').catch(() => {})
    await publishDuring(() => crashed)
    await publishMany(20)
    await expectAll(app(), ...others)
    await untilOneStream(app())
    void killed
  })

  it('R16: continue when the leader is frozen, and so does that tab when it is thawed', async () => {
    const { leader, others } = await openMany(5)
    await publishMany(5)
    const cdp = await session(leader)
    await publishDuring(() => cdp.send('Page.setWebLifecycleState', { state: 'frozen' }))
    await publishMany(20)
    await expectAll(app(), ...others)
    await cdp.send('Page.setWebLifecycleState', { state: 'active' })
    await publishMany(20)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })

  it('R16: continue when the leader is suspended without an event, and so does that tab afterwards', async () => {
    const { leader, others } = await openMany(5)
    await publishMany(5)
    const cdp = await session(leader)
    await cdp.send('Debugger.enable')
    const paused = new Promise((resolve) => cdp.once('Debugger.paused', resolve))
    await cdp.send('Debugger.pause')
    await publishDuring(() => paused)
    await publishMany(20)
    await expectAll(app(), ...others)
    await cdp.send('Debugger.resume')
    await cdp.send('Debugger.disable')
    await publishMany(20)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })

  it('R16: continue when a debugger pauses tabs for a moment, which loses messages between them', async () => {
    const { leader, others } = await openMany(5)
    const paused = [leader, others[0] ?? leader]
    const pauses = Promise.all(paused.map(async (tab) => pause(await session(tab), 5)))
    await publishDuring(() => pauses)
    await publishMany(5)
    await expectAll(app(), leader, ...others)
    await untilOneStream(app())
  })

  it('do not share with tabs of another user', async () => {
    const ada = await open('ada')
    const grace = await open('grace')
    const too = await open('ada')
    expect(app().link.stats()).toMatchObject({ connections: 2, subscriptions: 6 })
    await publishMany(20)
    await expectAll(app(), ada, grace, too)
    await ada.close()
    await publishMany(5)
    await expectAll(app(), grace, too)
  })
})
