import { describe, expect, it } from 'vitest'
import type { Followed } from '../../../../tests/support/follow.ts'
import { event, multiplexedClient, nextSet } from '../../../../tests/support/multiplexed.ts'
import { type ScriptedServer, scriptedServer } from '../../../../tests/support/scripted-server.ts'
import { opening } from '../../../../tests/support/subscribe.ts'

/** A subscription that has received its second event. */
async function setup(server: ScriptedServer) {
  const client = multiplexedClient(server)
  const a = client.follow('a')
  const first = await nextSet(server)
  first.open('one', 'a').events('a', 1, 2)
  await a.nextMany(5)
  return { ...client, a, first }
}

describe('a subscription that joins the same one', () => {
  it('shares it at the same position', async () => {
    await using server = await scriptedServer()
    const { follow, a, first } = await setup(server)
    const late = follow('a', { lastEventId: '2-0' })
    expect(await late.nextMany(3)).toEqual(opening)
    first.events('a', 3)
    expect([await a.next(), await late.next()]).toEqual([event(3), event(3)])
    expect(server.count()).toBe(1)
  })

  it('shares it if that one has not delivered an event yet', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const a = follow('a')
    const set = await nextSet(server)
    set.open('one').say('$started', 'a', {}, '5-0')
    await a.nextMany(3)
    const late = follow('a')
    expect(await late.nextMany(3)).toEqual(opening)
    expect(server.count()).toBe(1)
  })

  it('gets what it missed, and then shares it: no event is delivered twice', async () => {
    await using server = await scriptedServer()
    const { follow, a, first } = await setup(server)
    const late = follow('a', { lastEventId: '1-0' })
    const control = await nextSet(server)
    expect(control.wanted).toEqual([
      { path: 'a', lastEventId: '2-0' },
      { path: 'a', lastEventId: '1-0' },
    ])
    control.accept()
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    const send = (key: string, n: number) =>
      first.exchange.send({ event: key, data: String(n), id: `${n}-0` })
    first.exchange.send({ event: '$started', data: JSON.stringify({ key: own }), id: '1-0' })
    first.events('a', 3)
    for (const n of [2, 3, 4]) send(own, n)
    first.events('a', 4, 5)
    expect(await late.nextMany(7)).toEqual([...opening, event(2), event(3), event(4), event(5)])
    expect(await a.nextMany(3)).toEqual([event(3), event(4), event(5)])
    const merged = await nextSet(server)
    expect(merged.wanted).toEqual([{ path: 'a', lastEventId: expect.any(String) }])
    expect(merged.key('a')).toBe(first.key('a'))
  })

  it('without a position starts like a new one, and shares it once both have the same position', async () => {
    await using server = await scriptedServer()
    const { follow, a, first } = await setup(server)
    const late = follow('a')
    const control = await nextSet(server)
    expect(control.wanted).toEqual([{ path: 'a', lastEventId: '2-0' }, { path: 'a' }])
    control.accept()
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    first.exchange.send({ event: '$started', data: JSON.stringify({ key: own }), id: '2-0' })
    expect(await late.nextMany(3)).toEqual(opening)
    const merged = await nextSet(server)
    expect(Object.keys(merged.subscriptions)).toEqual([first.key('a')])
    merged.accept()
    first.events('a', 3)
    expect([await a.next(), await late.next()]).toEqual([event(3), event(3)])
    a.unsubscribe()
    first.events('a', 4)
    expect(await late.next()).toEqual(event(4))
  })

  it('gets the items at that position first, and shares it once the position has moved', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const a = follow('a')
    const first = await nextSet(server)
    // The value of a run that has not begun doesn't move the position.
    first.open('one').say('$started', 'a', {}, 'snapshot')
    first.exchange.send({ event: first.key('a'), data: '0', id: 'snapshot' })
    const value = ['data', { id: 'snapshot', data: 0 }]
    expect(await a.nextMany(4)).toEqual([...opening, value])
    const late = follow('a')
    const control = await nextSet(server)
    control.accept()
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    first.exchange.send(
      { event: '$started', data: JSON.stringify({ key: own }), id: 'snapshot' },
      { event: own, data: '0', id: 'snapshot' },
    )
    expect(await late.nextMany(4)).toEqual([...opening, value])
    first.events('a', 1)
    first.exchange.send({ event: own, data: '1', id: '1-0' })
    expect([await a.next(), await late.next()]).toEqual([event(1), event(1)])
    const merged = await nextSet(server)
    expect(Object.keys(merged.subscriptions)).toEqual([first.key('a')])
  })

  it('gets the event that was being handled when it joined, if its position is just before it', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const late: Followed[] = []
    const a = follow('a', undefined, {
      onData: () =>
        late.length === 0 && a.news.length > 4 && late.push(follow('a', { lastEventId: '1-0' })),
    })
    const first = await nextSet(server)
    first.open('one', 'a').events('a', 1, 2)
    const control = await nextSet(server)
    expect(control.wanted).toEqual([
      { path: 'a', lastEventId: '2-0' },
      { path: 'a', lastEventId: '1-0' },
    ])
    control.accept()
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    first.exchange.send(
      { event: '$started', data: JSON.stringify({ key: own }) },
      { event: own, data: '2', id: '2-0' },
    )
    expect(await late[0]?.nextMany(4)).toEqual([...opening, event(2)])
  })

  it('is notified that it has started, even if the one that it joined is just being merged with another', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const late: Followed[] = []
    const elder = follow(
      'a',
      { lastEventId: '1-0' },
      {
        onData: () => elder.news.length > 4 && late.push(follow('a', { lastEventId: '3-0' })),
      },
    )
    const first = await nextSet(server)
    first.open('one', 'a').events('a', 2)
    await elder.nextMany(4)
    const younger = follow('a')
    const control = await nextSet(server)
    control.accept()
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    first.exchange.send({ event: '$started', data: JSON.stringify({ key: own }), id: '3-0' })
    await younger.nextMany(3)
    first.events('a', 3)
    expect((await nextSet(server)).wanted.length).toBe(1)
    expect(await late[0]?.nextMany(3)).toEqual(opening)
  })

  it('has its own first value if events have no ids', async () => {
    await using server = await scriptedServer()
    const { follow } = multiplexedClient(server)
    const a = follow('a')
    const first = await nextSet(server)
    first.open('one', 'a').exchange.send({ event: first.key('a'), data: '"now"' })
    expect((await a.nextMany(4)).at(-1)).toEqual(['data', 'now'])
    const late = follow('a')
    const control = await nextSet(server)
    const [own = ''] = Object.keys(control.subscriptions).filter((key) => key !== first.key('a'))
    first.exchange.send(
      { event: '$started', data: JSON.stringify({ key: own }) },
      { event: own, data: '"now"' },
    )
    expect((await late.nextMany(4)).at(-1)).toEqual(['data', 'now'])
    expect(a.news.length).toBe(4)
  })
})
