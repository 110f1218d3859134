import { describe, expect, it } from 'vitest'
import { type Counts, count, type Received } from './counts.ts'

const events = (...numbers: number[]): Received[] =>
  numbers.map((n) => ({ publisher: 'p', n, attempt: 0 }))

function counted(received: readonly Received[], last: number): Counts {
  return count(received, new Map([['p', last]]))
}

describe('the counts of a client', () => {
  it('has nothing against each event once and in order', () => {
    expect(counted(events(1, 2, 3), 3)).toEqual({
      received: 3,
      lost: 0,
      silent: 0,
      repeated: 0,
      republished: 0,
      outOfOrder: 0,
      notices: 0,
    })
  })

  it.each<[string, Received[], Partial<Counts>]>([
    ['a loss without a notice', events(1, 4), { lost: 2, silent: 2, notices: 0 }],
    [
      'a loss with a notice',
      [...events(1), 'notice', ...events(4)],
      { lost: 2, silent: 0, notices: 1 },
    ],
    ['a notice before a loss', [...events(1), 'notice', ...events(2, 4)], { lost: 1, silent: 1 }],
    ['a notice after a loss', [...events(1, 2, 4), 'notice'], { lost: 1, silent: 1 }],
    ['a late start', events(3, 4), { lost: 2, silent: 2 }],
    ['a late start with a notice', ['notice', ...events(3, 4)], { lost: 2, silent: 0 }],
    ['an early end', events(1, 2), { lost: 2, silent: 2 }],
    ['an early end with a notice', [...events(1, 2), 'notice'], { lost: 2, silent: 0 }],
    ['a client that got nothing', [], { received: 0, lost: 4, silent: 4 }],
    ['a repeat', events(1, 2, 2, 3, 4), { repeated: 1, outOfOrder: 0, lost: 0 }],
    ['a replay of what had come', events(1, 2, 3, 1, 2, 3, 4), { repeated: 3, outOfOrder: 0 }],
    [
      'an event that was published again',
      [...events(1, 2), { publisher: 'p', n: 2, attempt: 1 }, ...events(3, 4)],
      { repeated: 0, republished: 1, outOfOrder: 0 },
    ],
    ['an event that came late', events(1, 3, 2, 4), { outOfOrder: 1, repeated: 0, lost: 0 }],
    ['a loss around a late event', events(1, 4, 2), { outOfOrder: 1, lost: 1, silent: 1 }],
  ])('shows %s', (_name, received, expected) => {
    expect(counted(received, 4)).toMatchObject(expected)
  })

  it('keeps the events of each publisher apart', () => {
    const other: Received = { publisher: 'q', n: 2, attempt: 0 }
    const published = new Map([
      ['p', 2],
      ['q', 2],
    ])
    expect(count([...events(1, 2), other], published)).toMatchObject({ lost: 1, silent: 1 })
  })
})
