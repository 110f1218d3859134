import { expect, it } from 'vitest'
import {
  initialStreamState,
  next,
  type StreamNews,
  type StreamState,
} from './subscription-state.ts'

function after(...news: ReadonlyArray<StreamNews<string>>): StreamState<string> {
  return news.reduce<StreamState<string>>((state, each) => next(state, each), initialStreamState)
}

const event = (id: string): StreamNews<string> => ({
  type: 'event',
  event: { id, data: id, late: false },
  keep: 2,
})
const live = (at: number): StreamNews<string> => ({ type: 'live', at })

it('keeps the newest events, counts all, and stands at the last one', () => {
  const { events, counts, lastEventId } = after(event('1-0'), event('2-0'), event('3-0'))
  expect(events.map(({ id }) => id)).toEqual(['2-0', '3-0'])
  expect(counts.received).toBe(3)
  expect(lastEventId).toBe('3-0')
})

it('remembers when it was live first and last', () => {
  expect(after(live(10), { type: 'lost' })).toMatchObject({ connection: 'lost', firstLiveAt: 10 })
  expect(after(live(10), { type: 'lost' }, live(20))).toMatchObject({
    connection: 'live',
    firstLiveAt: 10,
    liveAt: 20,
  })
})

it('adds up what was missing, repeated, or reported as a gap', () => {
  const missing: StreamNews<string> = { type: 'count', what: 'missing', times: 2 }
  const gap: StreamNews<string> = { type: 'count', what: 'gaps', times: 1 }
  expect(after(missing, gap, missing).counts).toEqual({
    received: 0,
    missing: 4,
    repeated: 0,
    gaps: 1,
  })
})
