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
  ['takes nothing before it is asked for', [['event', 1, 1]], ' @undefined'],
  [
    'takes nothing before it has started',
    [
      ['requested', 1],
      ['event', 1, 1],
    ],
    ' @undefined',
  ],
  ['hands on what comes after the start', running, 'started 1 @1'],
  ['holds back what the stream before says after another was asked', moving, 'started 1 @1'],
  [
    'takes from the new stream once it has started there',
    [...moving, ['started', 2], ['event', 1, 4], ['event', 2, 2], ['event', 2, 3]],
    'started 1 2 3 @3',
  ],
  [
    'hands on what it held back if the new stream fails',
    [...moving, ['lost', 2], ['event', 1, 4]],
    'started 1 2 3 4 @4',
  ],
  [
    'drops what it held back if the stream before is gone',
    [...moving, ['dropped', 1]],
    'started 1 waiting @1',
  ],
  [
    'starts on the new stream if the stream before is gone',
    [...moving, ['lost', 1], ['started', 2], ['event', 2, 2]],
    'started 1 failed started 2 @2',
  ],
  [
    'stands where it stood if both are gone',
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
    'goes by the newest request',
    [
      ['requested', 1],
      ['requested', 2],
      ['started', 1],
      ['started', 2],
    ],
    'started @undefined',
  ],
  [
    'without a position goes on meanwhile, and drops the ids that it had',
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
