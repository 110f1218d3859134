import { describe, expect, it } from 'vitest'
import { History, type RoomTruth, type Seen } from './history.ts'

const lossless: RoomTruth = { mayLose: false, mayForget: false }
const brief: RoomTruth = { mayLose: true, mayForget: false }
const forgetful: RoomTruth = { mayLose: true, mayForget: true }

const gap: Seen = { kind: 'gap', reason: 'trimmed' }
const event = (n: number, time = n): Seen => ({
  kind: 'event',
  id: `${time}-0`,
  event: { room: 'red', publisher: 'p', n },
})

function violations(truth: RoomTruth, ...steps: Seen[]): string[] {
  const history = new History('client', truth, true)
  for (const step of steps) history.saw(step)
  return textsOf(history)
}

function textsOf(history: History): string[] {
  return history.violations.map((text) => /^client: (.*)$/m.exec(text)?.[1] ?? text)
}

describe('the history of a handler', () => {
  it('is right with each event once and in order, and gaps where events may be lost', () => {
    expect(violations(lossless, event(1), event(2), event(3))).toEqual([])
    expect(violations(brief, event(1), gap, event(5), event(6))).toEqual([])
    expect(violations(forgetful, event(1), event(2), gap, event(2, 1), event(3))).toEqual([])
  })

  it.each<[string, RoomTruth, Seen[], string]>([
    ['a silent loss', brief, [event(1), event(3)], '2 to 2 of p never came, and no gap did'],
    ['a late start', lossless, [event(2)], 'p began with 2, and no gap came'],
    ['a repeat', lossless, [event(1), event(1, 2)], '1 of p came after 1'],
    [
      'a repeat after a gap of a trimmed log',
      brief,
      [event(2), gap, event(1, 9)],
      '1 of p came after 2',
    ],
    ['a false gap', lossless, [event(1), gap], 'a gap where nothing was lost: trimmed'],
    ['an id that goes back', brief, [event(1, 5), event(2, 4)], '4-0 came after 5-0'],
    ['an end', lossless, [{ kind: 'ended', how: 'complete' }], 'it ended: complete'],
  ])('shows %s', (_name, truth, steps, expected) => {
    expect(violations(truth, ...steps)).toContain(expected)
  })

  it('shows what a store that forgets still has, and nothing that is gone', () => {
    const ends = [1, 2].map((logged) => {
      const history = new History('client', forgetful, true)
      for (const step of [event(1), event(3)]) history.saw(step)
      const data = { room: 'red', publisher: 'p', n: logged }
      history.end(new Map([['p', 3]]), [{ id: `${logged}-0`, data }])
      return textsOf(history)
    })
    expect(ends).toEqual([[], ['2 to 2 of p never came, and no gap did']])
  })

  it('allows what a replaced master never had, if a gap follows', () => {
    const history = new History('client', forgetful, true)
    for (const step of [event(1), event(3), gap, event(4)]) history.saw(step)
    const data = { room: 'red', publisher: 'p', n: 2 }
    history.end(new Map([['p', 4]]), [{ id: '2-0', data }])
    expect(textsOf(history)).toEqual([])
  })

  it('shows that the last event never came', () => {
    const history = new History('client', lossless, true)
    history.saw(event(1))
    history.end(new Map([['p', 2]]), [])
    expect(history.violations[0]).toMatch('the last event of p, 2, never came; 1 did')
  })
})
