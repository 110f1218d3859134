import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { tabs as shareTabs } from '@trpc-sse/client/tabs'
import type { Clock } from '@trpc-sse/protocol'
import { channel, createChannels, createServerLink } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type FakeTab, fakeBrowser } from '../support/fake-tabs.ts'
import { type Followed, follow, untypedClient } from '../support/follow.ts'
import { manualClock } from '../support/manual-clock.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The durations of the time with faults, and of the calm after it, in milliseconds. */
const stormMs = 40_000
const calmMs = 60_000
const stepMs = 20

const leaderLock = /^trpc-sse:\d+:\w+$/
const rooms = ['a', 'b', 'c']

/** An app with rooms of numbers, and its server. */
function createApp(clock: Clock) {
  const channels = createChannels({
    clock,
    channels: {
      room: channel({
        params: z.object({ room: z.string() }),
        event: z.number(),
        retain: { events: 100_000 },
      }),
    },
  })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ room: z.string() }))
      .subscription((opts) => channels.room(opts.input).subscribe(opts)),
  })
  const link = createServerLink({
    router,
    channels,
    clock,
    basePath: '/',
    createContext: () => ({}),
  })
  const fetch = (url: string, init: RequestInit): Promise<Response> =>
    link.fetch(new Request(url, init))
  return { channels, link, fetch }
}

interface Watched {
  readonly tab: FakeTab
  readonly room: string
  readonly followed: Followed
  /**
   * The number of events in the room when the subscription first started. It must get all later
   * ones.
   */
  publishedAtStart(): number
}

/** Waits until all work that needs no timer is done. */
async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * Opens, closes, freezes and crashes tabs while events flow, and then lets the system calm down.
 */
async function simulate(seed: number) {
  const random = seededRandom(seed)
  const clock = manualClock()
  const app = createApp({ ...clock, random })
  const browser = fakeBrowser(clock, random, app.fetch)
  const watched: Watched[] = []
  const tabs = new Set<FakeTab>()
  const published = new Map(rooms.map((room) => [room, 0]))
  let crowdedMs = 0
  let longestCrowdMs = 0

  function openTab(): void {
    const tab = browser.open()
    tabs.add(tab)
    const { clock, device, environment, fetch } = tab
    const client = untypedClient(
      sseLink({
        url: 'http://server',
        clock,
        device,
        fetch,
        shareAcrossTabs: shareTabs({ environment }),
      }),
    )
    for (const room of rooms.slice(0, 1 + Math.floor(random() * 3))) {
      let atStart = Infinity
      const onStarted = (): void => {
        atStart = Math.min(atStart, published.get(room) ?? 0)
      }
      const followed = follow(client, 'onNumber', { room }, { onStarted })
      watched.push({ tab, room, followed, publishedAtStart: () => atStart })
    }
  }

  async function publish(): Promise<void> {
    const room = rooms[Math.floor(random() * rooms.length)] ?? 'a'
    const n = (published.get(room) ?? 0) + 1
    published.set(room, n)
    await app.channels.room({ room }).publish(n)
  }

  function disturb(): void {
    const all = [...tabs]
    const leader = browser.holder(leaderLock)
    const victim = leader && random() < 0.5 ? leader : all[Math.floor(random() * all.length)]
    const dice = random()
    if (all.length < 5 || dice < 0.2) {
      if (all.length < 7) openTab()
    } else if (dice < 0.4) victim?.freeze()
    else if (dice < 0.7) all.find((tab) => tab.state() === 'frozen')?.thaw()
    else if (victim) {
      if (dice < 0.85) victim.crash()
      else victim.close()
      tabs.delete(victim)
    }
  }

  async function step(isQuiet = false): Promise<void> {
    for (let count = isQuiet ? 0 : Math.floor(random() * 4); count > 0; count--) await publish()
    clock.advance(stepMs)
    await settle()
    const requests = [...tabs].filter((tab) => tab.state() === 'alive').map((tab) => tab.requests())
    const count = requests.reduce((sum, one) => sum + one, 0)
    crowdedMs = count > 1 ? crowdedMs + stepMs : 0
    longestCrowdMs = Math.max(longestCrowdMs, crowdedMs)
  }

  for (let i = 0; i < 5; i++) openTab()
  for (let ms = 0; ms < stormMs; ms += stepMs) {
    if (random() < stepMs / 1_000) disturb()
    await step()
  }
  for (const tab of tabs) tab.thaw()
  for (let ms = 0; ms < calmMs; ms += stepMs) await step(ms > calmMs - 1_000)
  const { connections } = app.link.stats()
  await app.channels.close()
  return { watched, published, longestCrowdMs, connections }
}

/** Returns the events of a subscription as numbers. */
function numbersOf({ news }: Followed): number[] {
  return news.flatMap(([what, detail]) =>
    what === 'data' ? [(detail as { data: number }).data] : [],
  )
}

describe('tabs that share a stream', () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'R16: whatever happens to them, each gets exactly its run (seed %i)',
    async (seed) => {
      const { watched, published, longestCrowdMs, connections } = await simulate(seed)
      for (const { tab, room, followed, publishedAtStart } of watched) {
        const numbers = numbersOf(followed)
        const [first = 1] = numbers
        expect(first).toBeLessThanOrEqual(publishedAtStart() + 1)
        expect(numbers).toEqual(Array.from(numbers, (_, i) => first + i))
        expect(followed.news.filter(([what]) => what === 'gap' || what === 'error')).toEqual([])
        if (tab.state() === 'alive') expect(numbers.at(-1)).toBe(published.get(room))
      }
      expect(connections).toBe(1)
      expect(longestCrowdMs).toBeLessThan(1_000)
    },
  )
})
