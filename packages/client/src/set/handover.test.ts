import { describe, expect, it } from 'vitest'
import { Handover } from './handover.ts'

type Step =
  | readonly ['requested' | 'started' | 'lost' | 'dropped', stream: number]
  | readonly ['event', stream: number, id: number]

const error = new Error('cut')

/** Plays the steps; returns the delivered frames and the position. */
function play(lastEventId: string | undefined, steps: readonly Step[]): string {
  const reported: string[] = []
  const handover = new Handover<number>(lastEventId, {
    deliver: (frame) => void reported.push(String(frame.id)),
    started: () => void reported.push('started'),
    waiting: (cause) => void reported.push(cause ? 'failed' : 'waiting'),
    positioned() {},
  })
  for (const [what, stream, id] of steps) {
    if (what === 'requested') handover.requested(stream)
    else if (what === 'lost') handover.lost(stream, error)
    else if (what === 'dropped') handover.lost(stream, undefined)
    else if (what === 'started')
      handover.receive({ type: 'started', key: '', id: undefined }, stream)
    else handover.receive({ type: 'event', key: '', data: '', id: String(id) }, stream)
  }
  return `${reported.join(' ')} @${handover.lastEventId()}`
}

const running: Step[] = [
  ['requested', 1],
  ['started', 1],
  ['event', 1, 1],
]
const moving: Step[] = [...running, ['requested', 2], ['event', 1, 2], ['event', 1, 3]]

const cases: Array<[behaviour: string, steps: Step[], reported: string]> = [
  ['accepts no frame before a request', [['event', 1, 1]], ' @undefined'],
  [
    'accepts no frame before the start',
    [
      ['requested', 1],
      ['event', 1, 1],
    ],
    ' @undefined',
  ],
  ['delivers frames after the start', running, 'started 1 @1'],
  ['holds back frames of the previous stream after another was requested', moving, 'started 1 @1'],
  [
    'delivers from the new stream once it has started there',
    [...moving, ['started', 2], ['event', 1, 4], ['event', 2, 2], ['event', 2, 3]],
    'started 1 2 3 @3',
  ],
  [
    'delivers held frames if the new stream fails',
    [...moving, ['lost', 2], ['event', 1, 4]],
    'started 1 2 3 4 @4',
  ],
  [
    'delivers everything that was held if one new stream after the other fails',
    [...moving, ['requested', 3], ['event', 1, 4], ['lost', 2], ['lost', 3], ['event', 1, 5]],
    'started 1 2 3 4 5 @5',
  ],
  [
    'drops held frames if the previous stream is gone',
    [...moving, ['dropped', 1]],
    'started 1 waiting @1',
  ],
  [
    'starts on the new stream if the previous stream is gone',
    [...moving, ['lost', 1], ['started', 2], ['event', 2, 2]],
    'started 1 failed started 2 @2',
  ],
  [
    'keeps its position if both are gone',
    [...moving, ['lost', 1], ['lost', 2]],
    'started 1 failed failed @1',
  ],
  [
    'is notified of a stream that could not be opened',
    [
      ['requested', 1],
      ['lost', 1],
    ],
    'failed @undefined',
  ],
  [
    'follows the newest request',
    [
      ['requested', 1],
      ['requested', 2],
      ['started', 1],
      ['started', 2],
    ],
    'started @undefined',
  ],
  [
    'without a position continues meanwhile, and drops ids that were delivered',
    [
      ['requested', 1],
      ['started', 1],
      ['requested', 2],
      ['event', 1, 1],
      ['event', 1, 2],
      ['started', 2],
      ['event', 2, 1],
      ['event', 2, 2],
      ['event', 2, 3],
    ],
    'started 1 2 3 @3',
  ],
]

describe('a handover', () => {
  it.each(cases)('%s', (_behaviour, steps, reported) => {
    expect(play(undefined, steps)).toBe(reported)
  })

  it('starts at the given position', () => {
    expect(
      play('7', [
        ['requested', 1],
        ['started', 1],
      ]),
    ).toBe('started @7')
  })
})
