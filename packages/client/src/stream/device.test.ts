import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeDevice } from '../../../../tests/support/fake-device.ts'
import { event, multiplexedClient, nextSet } from '../../../../tests/support/multiplexed.ts'
import { type ScriptedServer, scriptedServer } from '../../../../tests/support/scripted-server.ts'
import { opening } from '../../../../tests/support/subscribe.ts'
import { type DeviceEvent, globalDevice } from './device.ts'

async function setup(server: ScriptedServer, options: object = {}) {
  const device = fakeDevice()
  const client = multiplexedClient(server, { device, ...options })
  const a = client.follow('a')
  const first = await nextSet(server)
  first.exchange.openSilently().send({
    event: '$connected',
    data: '{"connectionId":"one","reconnectAfterInactivityMs":30000}',
  })
  first.start('a').events('a', 1)
  await a.nextMany(4)
  return { ...client, device, a, first }
}

describe('without a network', () => {
  it('a wait ends when the network is back', async () => {
    await using server = await scriptedServer()
    const { a, first, clock, device } = await setup(server)
    first.exchange.cut()
    await a.next()
    await clock.due(125)
    device.setOffline(false)
    expect(clock.timers()).toEqual([0])
    clock.advance(0)
    expect((await nextSet(server)).wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
  })

  it('attempts are postponed, but not forever, because devices can be wrong', async () => {
    await using server = await scriptedServer()
    const { a, first, clock, device } = await setup(server)
    device.setOffline(true)
    first.exchange.cut()
    await a.next()
    await clock.due(125)
    clock.advance(125)
    expect(clock.timers()).toEqual([29_875])
    clock.advance(29_875)
    await nextSet(server)
  })

  it('P38: a wait that the server requested is respected, with or without a network', async () => {
    await using server = await scriptedServer()
    const { a, first, clock, device } = await setup(server)
    first.exchange.send({ retryMs: 9_000 }).end()
    await a.next()
    await clock.due(9_125)
    clock.advance(1_000)
    device.dispatch('online')
    expect(clock.timers()).toEqual([8_000])
  })
})

describe('a machine that slept', () => {
  it.each(['shown', 'online', 'back'] as const)('notices at once, when %s', async (what) => {
    await using server = await scriptedServer()
    const { a, first, clock, device } = await setup(server)
    clock.jumpTo(clock.now() + 3_600_000)
    device.dispatch(what)
    await first.exchange.gone
    expect((await a.next())[1]).toContain('silent for 30000 ms')
  })

  it('notices 5 s after it woke up, without any event', async () => {
    await using server = await scriptedServer()
    const { a, first, clock } = await setup(server)
    const [nextMs = Infinity] = clock.timers()
    expect(nextMs).toBeLessThanOrEqual(5_000)
    clock.jumpTo(clock.now() + 3_600_000)
    clock.advance(0)
    await first.exchange.gone
    expect((await a.next())[1]).toContain('silent')
  })
})

describe('a page', () => {
  it('that is hidden keeps its stream, by default', async () => {
    await using server = await scriptedServer()
    const { first, a, clock, device } = await setup(server, { inactivityTimeoutMs: Infinity })
    device.dispatch('hidden')
    clock.advance(86_400_000)
    first.events('a', 2)
    expect(await a.next()).toEqual(event(2))
  })

  it('that is hidden for longer than hiddenTimeoutMs closes its stream, and resumes when shown', async () => {
    await using server = await scriptedServer()
    const { first, a, clock, device } = await setup(server, {
      hiddenTimeoutMs: 60_000,
      inactivityTimeoutMs: Infinity,
    })
    device.dispatch('hidden')
    clock.advance(59_999)
    device.dispatch('shown')
    device.dispatch('hidden')
    clock.advance(59_999)
    expect(a.news.length).toBe(4)
    clock.advance(1)
    await first.exchange.gone
    expect(await a.next()).toEqual(['connecting'])
    device.dispatch('online')
    expect(clock.timers()).toEqual([])
    device.dispatch('shown')
    clock.advance(0)
    const second = await nextSet(server)
    expect(second.wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
    second.open('two', 'a').events('a', 2)
    expect(await a.nextMany(3)).toEqual([...opening.slice(1), event(2)])
  })

  it('that enters the cache closes its stream, and resumes when it is back', async () => {
    await using server = await scriptedServer()
    const { first, clock, device } = await setup(server)
    device.dispatch('left')
    await first.exchange.gone
    expect(clock.timers()).toEqual([])
    device.dispatch('back')
    clock.advance(0)
    expect((await nextSet(server)).wanted).toEqual([{ path: 'a', lastEventId: '1-0' }])
  })

  it('has no listeners once no subscription is left', async () => {
    await using server = await scriptedServer()
    const { a, clock, device } = await setup(server)
    expect(device.listeners()).toBe(1)
    a.unsubscribe()
    clock.advance(250)
    await expect.poll(() => device.listeners()).toBe(0)
  })
})

describe('the events of a browser', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('are those of page and document', () => {
    const page = new EventTarget()
    const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' })
    vi.stubGlobal('document', document)
    vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
    vi.stubGlobal('navigator', { onLine: false })
    const reported: DeviceEvent[] = []
    const unlisten = globalDevice.listen((what) => reported.push(what))
    document.dispatchEvent(new Event('visibilitychange'))
    document.visibilityState = 'visible'
    document.dispatchEvent(new Event('visibilitychange'))
    for (const type of ['online', 'pagehide', 'pageshow']) page.dispatchEvent(new Event(type))
    page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
    unlisten()
    page.dispatchEvent(new Event('online'))
    expect(reported).toEqual(['hidden', 'shown', 'online', 'left', 'back'])
    expect(globalDevice.isOffline()).toBe(true)
  })

  it('are none outside of a page', () => {
    expect(globalDevice.isOffline()).toBe(false)
    globalDevice.listen(() => {})()
  })
})
