import { expect, it } from 'vitest'
import {
  initialState,
  next,
  type SubscriptionChange,
  type SubscriptionState,
} from './subscription-state.ts'

type Change = SubscriptionChange<string>

function after(...changes: readonly Change[]): SubscriptionState<string> {
  return changes.reduce<SubscriptionState<string>>(next, initialState)
}

const event = (id: string): Change => ({
  type: 'event',
  event: { id, data: id, late: false },
  keep: 2,
})
const live = (at: number): Change => ({ type: 'live', at })

it('keeps the newest events, counts all of them, and remembers the last id', () => {
  const { events, counts, lastEventId } = after(event('1-0'), event('2-0'), event('3-0'))
  expect(events.map(({ id }) => id)).toEqual(['2-0', '3-0'])
  expect(counts.received).toBe(3)
  expect(lastEventId).toBe('3-0')
})

it('remembers when it first and last went live', () => {
  expect(after(live(10), { type: 'lost' })).toMatchObject({ connection: 'lost', firstLiveAt: 10 })
  expect(after(live(10), { type: 'lost' }, live(20))).toMatchObject({
    connection: 'live',
    firstLiveAt: 10,
    liveAt: 20,
  })
})

it('keeps its events and its position when it completes', () => {
  const state = after(live(10), event('1-0'), { type: 'completed' })
  expect(state).toMatchObject({ connection: 'completed', lastEventId: '1-0' })
  expect(state.events).toHaveLength(1)
})

it('adds up missing events, repeated events and gaps', () => {
  const missing: Change = { type: 'count', what: 'missing', times: 2 }
  const gap: Change = { type: 'count', what: 'gaps', times: 1 }
  expect(after(missing, gap, missing).counts).toEqual({
    received: 0,
    missing: 4,
    repeated: 0,
    gaps: 1,
  })
})
