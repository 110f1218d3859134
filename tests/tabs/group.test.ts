import { sseLink } from '@trpc-sse/client'
import { type TabRole, type TabsEnvironment, tabs } from '@trpc-sse/client/tabs'
import { type Clock, systemClock } from '@trpc-sse/protocol'
import { describe, expect, it, vi } from 'vitest'
import { type FakeBrowser, type FakeTab, fakeBrowser } from '../support/fake-tabs.ts'
import { type Followed, follow, type News, untypedClient } from '../support/follow.ts'
import { createInbox } from '../support/inbox.ts'
import { manualClock } from '../support/manual-clock.ts'
import { event, nextSet } from '../support/multiplexed.ts'
import { type ScriptedServer, scriptedServer } from '../support/scripted-server.ts'
import { opening } from '../support/subscribe.ts'

type TabOptions = Partial<Parameters<typeof sseLink>[0]>

const fatal = { error: { code: -32001, message: 'who are you?', data: { code: 'UNAUTHORIZED' } } }

const newBrowser = (): FakeBrowser => fakeBrowser(systemClock, Math.random, globalThis.fetch, 2)

/** A client in a tab. */
function clientIn(tab: FakeTab, { url }: Pick<ScriptedServer, 'url'>, options: TabOptions = {}) {
  const { clock, device, environment, fetch } = tab
  const retry = { baseMs: 1 }
  return untypedClient(
    sseLink({
      url,
      clock,
      device,
      fetch,
      retry,
      shareAcrossTabs: tabs({ environment }),
      ...options,
    }),
  )
}

/** Two tabs that follow the same subscription, on one stream. */
async function setup(server: ScriptedServer) {
  const browser = newBrowser()
  const tabs = [browser.open(), browser.open()] as const
  const [one, two] = [
    follow(clientIn(tabs[0], server), 'a'),
    follow(clientIn(tabs[1], server), 'a'),
  ]
  const set = await nextSet(server)
  set.open('one', 'a')
  for (const each of [one, two]) expect(await each.nextMany(3)).toEqual(opening)
  set.events('a', 1)
  for (const each of [one, two]) expect(await each.next()).toEqual(event(1))
  expect(set.wanted).toEqual([{ path: 'a' }])
  return { browser, tabs, one, two, set }
}

/** Serves `/a` as a server that knows only single mode. */
async function serveSingly(server: ScriptedServer): Promise<void> {
  for (;;) {
    const request = await server.request()
    if (request.path === '/a') request.open().send({ data: '1', id: '1-0' })
    else request.answer(404)
  }
}

/** Answers every request with a refusal. */
async function refuseAll(server: ScriptedServer): Promise<void> {
  for (;;) {
    const { exchange } = await nextSet(server)
    exchange.answer(401, { 'content-type': 'application/json' }, JSON.stringify(fatal))
  }
}

describe('two tabs with one stream', () => {
  it('each get a gap, once and at its place', async () => {
    await using server = await scriptedServer()
    const { one, two, set } = await setup(server)
    set.say('$gap', 'a', { lastEventId: '1-0', reason: 'trimmed' }, '7-0').events('a', 8)
    const gap = { path: 'a', input: undefined, lastEventId: '1-0', reason: 'trimmed' }
    for (const each of [one, two]) expect(await each.nextMany(2)).toEqual([['gap', gap], event(8)])
    expect(server.count()).toBe(1)
  })

  it('are each notified of the end', async () => {
    await using server = await scriptedServer()
    const { one, two, set } = await setup(server)
    set.say('$stopped', 'a')
    for (const each of [one, two])
      expect(await each.nextMany(3)).toEqual([['stopped'], ['idle'], ['complete']])
  })

  it("each get the server's error", async () => {
    await using server = await scriptedServer()
    const { one, two, set } = await setup(server)
    set.say('$error', 'a', fatal)
    const error: News = ['error', expect.objectContaining({ message: 'who are you?' })]
    for (const each of [one, two]) expect(await each.next()).toEqual(error)
  })

  it('each get a refusal, as tRPC reports it', async () => {
    await using server = await scriptedServer()
    const { one, two, set } = await setup(server)
    set.exchange.cut()
    void refuseAll(server)
    for (const each of [one, two]) {
      const news = await each.nextMany(2)
      expect(news[0]?.[0]).toBe('connecting')
      expect(news[1]).toEqual(['error', expect.objectContaining({ data: fatal.error.data })])
    }
  })

  it('are each notified that it is lost, and continue from their positions', async () => {
    await using server = await scriptedServer()
    const { one, two, set } = await setup(server)
    set.exchange.cut()
    const again = await nextSet(server)
    expect(again.wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
    again.open('two', 'a')
    for (const each of [one, two])
      expect((await each.nextMany(3)).map(([what]) => what)).toEqual([
        'connecting',
        'started',
        'pending',
      ])
    again.events('a', 2)
    for (const each of [one, two]) expect(await each.next()).toEqual(event(2))
  })

  it('continue in the other one when one is closed', async () => {
    await using server = await scriptedServer()
    const { browser, tabs, one, two, set } = await setup(server)
    const leader = browser.holder(/^trpc-sse:\d+:\w+$/)
    leader?.close()
    await set.exchange.gone
    const again = await nextSet(server)
    expect(again.wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
    again.open('two', 'a').events('a', 2)
    const left = leader === tabs[0] ? two : one
    expect((await left.nextMany(4)).at(-1)).toEqual(event(2))
  })

  it('are served in single mode by a server that knows no other mode', async () => {
    await using server = await scriptedServer()
    const browser = newBrowser()
    const reported: unknown[] = []
    const onFallback = (fallback: unknown): unknown => reported.push(fallback)
    const followed = [browser.open(), browser.open()].map((tab) =>
      follow(clientIn(tab, server, { onFallback }), 'a'),
    )
    void serveSingly(server)
    for (const each of followed) expect(await each.nextMany(4)).toEqual([...opening, event(1)])
    expect(reported.length).toBe(2)
  })
})

describe('a tab', () => {
  it('leaves nothing behind once neither it nor its followers want a stream', async () => {
    await using server = await scriptedServer()
    const idle = createInbox<() => void>()
    const clock: Clock = {
      ...systemClock,
      after(delayMs, callback) {
        if (delayMs !== 60_000) return systemClock.after(delayMs, callback)
        const timer = { callback }
        idle.put(() => timer.callback())
        return () => {
          timer.callback = () => {}
        }
      },
    }
    const browser = fakeBrowser(clock, Math.random, globalThis.fetch, 2)
    const tabs = [browser.open(), browser.open()] as const
    const [one, two] = [
      follow(clientIn(tabs[0], server), 'a'),
      follow(clientIn(tabs[1], server), 'a'),
    ]
    const set = await nextSet(server)
    set.open('one', 'a')
    for (const each of [one, two]) expect(await each.nextMany(3)).toEqual(opening)
    const isGroup = /^trpc-sse:\d+:\w+$/
    const leads = browser.holder(isGroup) === tabs[0] ? 0 : 1
    const [leader, follower] = [[one, two][leads], [one, two][1 - leads]]
    leader?.unsubscribe()
    // The follower is still served.
    const fire = async (): Promise<void> => {
      await expect.poll(() => idle.items.length).toBeGreaterThan(0)
      for (const each of idle.items) each()
    }
    await fire()
    set.events('a', 1)
    expect(await follower?.next()).toEqual(event(1))
    follower?.unsubscribe()
    await set.exchange.gone
    const listenersAfterAll = (): number[] => {
      for (const each of idle.items) each()
      return tabs.map(({ device }) => device.listeners())
    }
    await expect.poll(listenersAfterAll).toEqual([0, 0])
    await expect.poll(() => browser.holder(isGroup)).toBeUndefined()
    const again = follow(clientIn(tabs[0], server), 'a')
    ;(await nextSet(server)).open('two', 'a')
    expect(await again.nextMany(3)).toEqual(opening)
  })

  it('is notified when it leads, and when it follows', async () => {
    await using server = await scriptedServer()
    const browser = newBrowser()
    const reported: Array<[tab: string, role: TabRole]> = []
    const enter = async (name: string): Promise<FakeTab> => {
      const tab = browser.open()
      const onRole = (role: TabRole): unknown => reported.push([name, role])
      const shareAcrossTabs = tabs({ environment: tab.environment, onRole })
      const followed = follow(clientIn(tab, server, { shareAcrossTabs }), 'a')
      if (name === 'one') (await nextSet(server)).open(name, 'a')
      expect(await followed.nextMany(3)).toEqual(opening)
      return tab
    }
    const one = await enter('one')
    await enter('two')
    one.device.dispatch('left')
    ;(await nextSet(server)).open('two', 'a')
    one.device.dispatch('back')
    await expect.poll(() => reported.length).toBe(4)
    expect(reported).toEqual([
      ['one', 'leading'],
      ['two', 'following'],
      ['two', 'leading'],
      ['one', 'following'],
    ])
  })

  it('continues whatever its handler for the role throws', async () => {
    await using server = await scriptedServer()
    const tab = newBrowser().open()
    const uncaught = vi.fn()
    process.on('uncaughtException', uncaught)
    const onRole = (): never => {
      throw new Error('no')
    }
    const shareAcrossTabs = tabs({ environment: tab.environment, onRole })
    const one = follow(clientIn(tab, server, { shareAcrossTabs }), 'a')
    ;(await nextSet(server)).open('one', 'a').events('a', 1)
    expect(await one.nextMany(4)).toEqual([...opening, event(1)])
    process.off('uncaughtException', uncaught)
    expect(uncaught).toHaveBeenCalledOnce()
  })

  it('that becomes somebody else gets a stream of its own, and serves the others no more', async () => {
    await using server = await scriptedServer()
    const browser = newBrowser()
    let user = 'ada'
    const first = clientIn(browser.open(), server, { headers: () => ({ authorization: user }) })
    const one = follow(first, 'a')
    const set = await nextSet(server)
    set.open('one', 'a').events('a', 1)
    await one.nextMany(4)
    const two = follow(
      clientIn(browser.open(), server, { headers: { authorization: 'ada' } }),
      'a',
      {
        lastEventId: '1-0',
      },
    )
    await two.nextMany(3)
    expect(server.count()).toBe(1)
    user = 'grace'
    follow(first, 'b')
    const both = [await nextSet(server), await nextSet(server)]
    const byUser = new Map(both.map((each) => [each.exchange.headers.authorization, each]))
    expect(byUser.get('ada')?.wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
    expect(byUser.get('grace')?.wanted.map(({ path }) => path)).toEqual(['a', 'b'])
    expect(both.map(({ connectionId }) => connectionId)).toEqual([undefined, undefined])
    await set.exchange.gone
  })

  it('with other headers shares if it says that it is the same user', async () => {
    await using server = await scriptedServer()
    const browser = newBrowser()
    const all = ['token-1', 'token-2'].map((authorization) => {
      const tab = browser.open()
      const shareAcrossTabs = tabs({ environment: tab.environment, identity: () => 'ada' })
      return follow(clientIn(tab, server, { headers: { authorization }, shareAcrossTabs }), 'a')
    })
    const set = await nextSet(server)
    set.open('one', 'a')
    for (const each of all) expect(await each.nextMany(3)).toEqual(opening)
    expect(server.count()).toBe(1)
  })

  it('with other headers in every request has a stream of its own', async () => {
    await using server = await scriptedServer()
    let requests = 0
    const headers = (): Record<string, string> => ({ traceparent: `${++requests}` })
    const one = follow(clientIn(newBrowser().open(), server, { headers }), 'a')
    const set = await nextSet(server)
    set.open('one', 'a').events('a', 1)
    await expect.poll(() => one.news.at(-1)).toEqual(event(1))
  })

  const broken: Array<[what: string, environment: TabsEnvironment]> = [
    [
      'locks',
      { ...newBrowser().open().environment, requestLock: () => Promise.reject(new Error('no')) },
    ],
    [
      'channels',
      {
        ...newBrowser().open().environment,
        openChannel() {
          throw new Error('no')
        },
      },
    ],
  ]
  it.each(broken)('without %s has its own stream', async (_what, environment) => {
    await using server = await scriptedServer()
    const roles: TabRole[] = []
    const shareAcrossTabs = tabs({ environment, onRole: (role: TabRole) => roles.push(role) })
    const one = follow(clientIn(newBrowser().open(), server, { shareAcrossTabs }), 'a')
    const set = await nextSet(server)
    set.open('one', 'a').events('a', 1)
    await expect.poll(() => one.news.at(-1)).toEqual(event(1))
    expect(roles).toEqual(['alone'])
  })

  it('outside of a browser has its own stream', async () => {
    await using server = await scriptedServer()
    const roles: TabRole[] = []
    const shareAcrossTabs = tabs({ onRole: (role: TabRole) => roles.push(role) })
    const one = follow(untypedClient(sseLink({ url: server.url, shareAcrossTabs })), 'a')
    const set = await nextSet(server)
    set.open('one', 'a').events('a', 1)
    expect(await one.nextMany(4)).toEqual([...opening, event(1)])
    expect(roles).toEqual(['alone'])
    one.unsubscribe()
  })
})

it('tabs respect the wait that the server requests, however often they ask the leader', async () => {
  const clock = manualClock()
  const atMs: number[] = []
  const fetch = async (): Promise<Response> => {
    atMs.push(clock.now())
    return new Response('', { status: 503, headers: { 'retry-after': '60' } })
  }
  const browser = fakeBrowser(clock, () => 0, fetch)
  for (const tab of [browser.open(), browser.open()])
    follow(clientIn(tab, { url: 'http://server' }), 'a')
  for (let seconds = 0; seconds < 100; seconds++) {
    for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    clock.advance(1_000)
  }
  expect(atMs).toHaveLength(2)
})

it('tabs are told at once why their stream cannot be opened, and get it once it can', async () => {
  await using server = await scriptedServer()
  const browser = newBrowser()
  const openTab = (): Followed => follow(clientIn(browser.open(), server), 'a')
  const tabs = [openTab(), openTab()]
  const why = 'The server answered 503 Service Unavailable.'
  const areTold = (): boolean => tabs.every(({ news }) => news.some(([, detail]) => detail === why))
  let set = await nextSet(server)
  while (!areTold()) {
    set.exchange.answer(503)
    set = await nextSet(server)
  }
  set.open('one', 'a')
  for (const { news } of tabs)
    await vi.waitFor(() => expect(news.at(-1)).toEqual(['pending']), 20_000)
})

it('a call that is not retried ends in a tab as it would alone', async () => {
  await using server = await scriptedServer()
  const tab = newBrowser().open()
  const once = follow(clientIn(tab, server), 'a', undefined, { context: { retry: false } })
  const { exchange } = await nextSet(server)
  exchange.answer(503)
  await vi.waitFor(() => expect(once.news.at(-1)?.[0]).toBe('error'))
})
