import { sseLink } from '@trpc-sse/client'
import { tabs as shareTabs, type TabsEnvironment } from '@trpc-sse/client/tabs'
import { systemClock } from '@trpc-sse/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type FakeTab, fakeBrowser } from '../support/fake-tabs.ts'
import { type Followed, follow, untypedClient } from '../support/follow.ts'
import { event, nextSet } from '../support/multiplexed.ts'
import { type ScriptedServer, scriptedServer } from '../support/scripted-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { opening } from '../support/subscribe.ts'

const uncaught = vi.fn()
beforeEach(() => void process.on('uncaughtException', uncaught))
afterEach(() => {
  process.off('uncaughtException', uncaught)
  uncaught.mockReset()
})

/**
 * Two tabs with one stream, and a page of the same origin that reads and writes on all their
 * channels.
 */
async function setup(server: ScriptedServer) {
  const browser = fakeBrowser(systemClock, Math.random, globalThis.fetch, 2)
  const stranger = browser.open()
  const heard: unknown[] = []
  /** The channels of the streams that the leader serves. */
  const served = new Set<string>()
  const channels = new Map<string, ReturnType<TabsEnvironment['openChannel']>>()
  const join = ({ environment }: FakeTab): Followed => {
    const overheard: TabsEnvironment = {
      ...environment,
      openChannel(name, onMessage) {
        if (!channels.has(name)) {
          const channel = stranger.environment.openChannel(name, (message) => {
            heard.push(message)
            if (Object(message).type === 'here') served.add(name)
          })
          channels.set(name, channel)
        }
        return environment.openChannel(name, onMessage)
      },
    }
    const link = sseLink({
      url: server.url,
      retry: { baseMs: 1 },
      shareAcrossTabs: shareTabs({ environment: overheard }),
    })
    return follow(untypedClient(link), 'a')
  }
  const tabs = [join(browser.open()), join(browser.open())]
  const set = await nextSet(server)
  // A tab that comes after the first event would need a subscription of its own.
  await vi.waitFor(() => expect(served.size).toBe(2), 20_000)
  set.open('one', 'a').events('a', 1)
  for (const tab of tabs) expect(await tab.nextMany(4)).toEqual([...opening, event(1)])
  return { tabs, set, heard, channels }
}

const types = [
  'open',
  'lead',
  'probe',
  'read',
  'control',
  'here',
  'text',
  'handover',
  'unknown',
  'failed',
  'toString',
]
const bodies = [
  '',
  '{',
  'null',
  '7',
  '[]',
  '{"subscriptions":7}',
  '{"subscriptions":{"a":null}}',
  '{"subscriptions":{"a\\nb":{"path":"a"}}}',
]
const garbage: readonly unknown[] = [
  undefined,
  null,
  0,
  -1,
  Number.NaN,
  Infinity,
  '',
  'open',
  true,
  10n,
  [],
  [[]],
  {},
  new Map(),
  new Date(0),
  new Uint8Array(3),
  { __proto__: null, type: 7 },
  ...types.map((type) => ({ type })),
  ...bodies.map((body) => ({ type: 'control', body })),
]

it('tabs ignore whatever another page of the origin posts on their channels', async () => {
  await using server = await scriptedServer()
  const { tabs, set, heard, channels } = await setup(server)
  const random = seededRandom(13)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  const real = [...heard]
  for (let i = 0; i < 4_000; i++) {
    // A real message with one wrong field.
    const message = Object(structuredClone(pick(real)))
    const field = pick([...Object.keys(message).filter((name) => name !== 'status'), 'type'])
    const wrong = garbage.filter((value) => typeof value !== typeof message[field])
    pick([...channels.values()]).post(pick([pick(garbage), { ...message, [field]: pick(wrong) }]))
  }
  set.events('a', 2, 3)
  for (const tab of tabs) expect(await tab.nextMany(2)).toEqual([event(2), event(3)])
  expect(uncaught.mock.calls).toEqual([])
  expect(server.count()).toBe(1)
})

it('a leader opens nothing for a name outside its group, and accepts no invalid set', async () => {
  await using server = await scriptedServer()
  const { tabs, set, channels } = await setup(server)
  const [group = ''] = [...channels.keys()].filter((name) => /^trpc-sse:\d+:\w+$/.test(name))
  const before = channels.size
  channels.get(group)?.post({ type: 'open', id: 'elsewhere', body: '{"subscriptions":{}}' })
  for (const body of bodies)
    channels.get(group)?.post({ type: 'open', id: `${group}:${body}`, body })
  set.events('a', 2)
  for (const tab of tabs) expect(await tab.next()).toEqual(event(2))
  expect([...channels.keys()].filter((name) => name === 'elsewhere')).toEqual([])
  expect(channels.size - before).toBeLessThanOrEqual(bodies.length)
  expect(uncaught.mock.calls).toEqual([])
  expect(server.count()).toBe(1)
})
