import { describe, expect, it } from 'vitest'
import { initialStreamState, next, type StreamEvent, type StreamState } from './state.ts'

const error = new Error('cut')
const first = initialStreamState
const again: StreamState = { ...first, everOpen: true }
const open: StreamState = { ...again, phase: 'open' }
const proven: StreamState = { ...open, proven: true }
const waiting: StreamState = { ...again, phase: 'waiting', failed: true, askedWaitMs: 50, error }
const ended: StreamState = { ...open, phase: 'ended' }

const cases: Array<
  [behaviour: string, from: StreamState, event: StreamEvent, to: Partial<StreamState>]
> = [
  ['opens', first, { type: 'connected' }, { phase: 'open', everOpen: true }],
  [
    'forgets wrong answers once open',
    { ...first, wrongAnswers: 4 },
    { type: 'connected' },
    { phase: 'open', wrongAnswers: 0, everOpen: true },
  ],
  ['is proven by an event or a heartbeat', open, { type: 'alive' }, { proven: true }],
  ['is proven by nothing before the opening', again, { type: 'alive' }, {}],
  [
    'waits after a failed attempt',
    first,
    { type: 'lost', error },
    { phase: 'waiting', failed: true, error },
  ],
  [
    'has failed after a stream that proved nothing',
    open,
    { type: 'lost', error },
    { phase: 'waiting', failed: true, error },
  ],
  [
    'has failed after a stream that proved to work',
    proven,
    { type: 'lost', error },
    { phase: 'waiting', failed: true, error },
  ],
  [
    'waits as Retry-After requests',
    first,
    { type: 'lost', error, retryAfterMs: 700 },
    { phase: 'waiting', failed: true, askedWaitMs: 700, error },
  ],
  [
    'waits as retry requests',
    { ...open, retryMs: 900 },
    { type: 'lost', error },
    { phase: 'waiting', failed: true, askedWaitMs: 900, error },
  ],
  [
    'waits the longer of two',
    { ...open, retryMs: 900 },
    { type: 'lost', error, retryAfterMs: 700 },
    { phase: 'waiting', failed: true, askedWaitMs: 900, error },
  ],
  [
    'waits at most five minutes',
    first,
    { type: 'lost', error, retryAfterMs: 1e12 },
    { phase: 'waiting', failed: true, askedWaitMs: 300_000, error },
  ],
  ['remembers retry', open, { type: 'retry', ms: 40 }, { retryMs: 40 }],
  ['bounds retry', open, { type: 'retry', ms: 1e12 }, { retryMs: 300_000 }],
  ['replaces retry', { ...open, retryMs: 90 }, { type: 'retry', ms: 40 }, { retryMs: 40 }],
  [
    'keeps retry across an attempt without an answer',
    { ...first, retryMs: 90 },
    { type: 'lost', error },
    { phase: 'waiting', failed: true, askedWaitMs: 90, error },
  ],
  [
    'replaces the wait when a new stream answers',
    { ...first, retryMs: 90 },
    { type: 'answered' },
    { retryMs: 0 },
  ],
  [
    'connects when the wait is over',
    waiting,
    { type: 'elapsed' },
    { phase: 'connecting', askedWaitMs: 0, error: undefined },
  ],
  [
    'forgets proof with its stream',
    { ...proven, phase: 'waiting' },
    { type: 'elapsed' },
    { phase: 'connecting', proven: false },
  ],
  [
    'hands over without a failure',
    proven,
    { type: 'handover', by: 'server' },
    { phase: 'waiting', handover: 'server', failed: false },
  ],
  [
    'backs off if asked to hand over before anything worked',
    open,
    { type: 'handover', by: 'server' },
    { phase: 'waiting', handover: 'server', failed: true },
  ],
  [
    'does not wait for retry when asked for a handover',
    { ...proven, retryMs: 900 },
    { type: 'handover', by: 'server' },
    { phase: 'waiting', handover: 'server', failed: false },
  ],
  [
    'opens a new stream for the client, without a failure',
    open,
    { type: 'handover', by: 'client' },
    { phase: 'waiting', handover: 'client', failed: false },
  ],
  ['has nothing to hand over before the opening', first, { type: 'handover', by: 'client' }, {}],
  [
    'keeps the handover when open, until the previous connection is closed',
    { ...again, handover: 'server' },
    { type: 'connected' },
    { phase: 'open' },
  ],
  [
    'forgets the handover',
    { ...open, handover: 'server' },
    { type: 'previous-closed' },
    { handover: 'none' },
  ],
  [
    'forgets the handover while it waits',
    { ...waiting, handover: 'client' },
    { type: 'previous-closed' },
    { handover: 'none' },
  ],
  [
    'keeps the stream that the server asked it to leave, while no other can be opened',
    { ...first, handover: 'server' },
    { type: 'lost', error },
    { phase: 'waiting', failed: true, error },
  ],
  [
    'leaves the stream that the client wanted to leave if no other can be opened beside it',
    { ...first, handover: 'client' },
    { type: 'lost', error },
    { phase: 'waiting', handover: 'none', failed: true, error },
  ],
  [
    'ends when refused',
    first,
    { type: 'refused', error, status: 401 },
    { phase: 'ended', error, status: 401 },
  ],
  [
    'retries when refused, while the previous stream continues, if the server asked for the handover',
    { ...first, handover: 'server' },
    { type: 'refused', error, status: 401 },
    { phase: 'waiting', failed: true, error },
  ],
  [
    'stays with the previous stream when refused, if the client asked for the handover',
    { ...first, handover: 'client' },
    { type: 'refused', error, status: 400 },
    { phase: 'open', handover: 'none' },
  ],
  [
    'is suspended, and starts again after that',
    { ...proven, handover: 'server', failed: true, error },
    { type: 'suspend' },
    { phase: 'waiting', handover: 'none', suspended: true, failed: false, error: undefined },
  ],
  [
    'is suspended while it waits',
    waiting,
    { type: 'suspend' },
    { suspended: true, failed: false, askedWaitMs: 0, error: undefined },
  ],
  [
    'wakes up',
    { ...waiting, suspended: true },
    { type: 'elapsed' },
    { phase: 'connecting', suspended: false, askedWaitMs: 0, error: undefined },
  ],
  ['accepts no handover before the opening', first, { type: 'handover', by: 'server' }, {}],
  [
    'waits after a wrong answer',
    first,
    { type: 'wrong-answer', error },
    { phase: 'waiting', failed: true, wrongAnswers: 1, error },
  ],
  [
    'ends after five wrong answers',
    { ...first, wrongAnswers: 4 },
    { type: 'wrong-answer', error },
    { phase: 'ended', error },
  ],
  [
    'never ends at an address that has worked',
    { ...again, wrongAnswers: 99 },
    { type: 'wrong-answer', error },
    { phase: 'waiting', failed: true, wrongAnswers: 100, error },
  ],
  [
    'counts only wrong answers in a row',
    { ...first, wrongAnswers: 4 },
    { type: 'lost', error },
    { phase: 'waiting', failed: true, wrongAnswers: 0, error },
  ],
  [
    'ends when a failure is not retried',
    { ...waiting, handover: 'server' },
    { type: 'gave-up', error },
    { phase: 'ended', handover: 'none', gaveUp: true, error },
  ],
  ['ends while it connects', first, { type: 'end', error }, { phase: 'ended', error }],
  ['ends while it waits', waiting, { type: 'end' }, { phase: 'ended', error: undefined }],
  ['ends while it is open', open, { type: 'end' }, { phase: 'ended' }],
]

describe('next', () => {
  it.each(cases)('%s', (_behaviour, from, event, to) => {
    expect(next(from, event)).toEqual({ ...from, ...to })
  })

  const all: StreamEvent[] = [
    { type: 'answered' },
    { type: 'connected' },
    { type: 'alive' },
    { type: 'retry', ms: 1 },
    { type: 'lost', error },
    { type: 'wrong-answer', error },
    { type: 'refused', error },
    { type: 'handover', by: 'server' },
    { type: 'handover', by: 'client' },
    { type: 'previous-closed' },
    { type: 'suspend' },
    { type: 'elapsed' },
    { type: 'gave-up', error },
    { type: 'end', error },
  ]

  it.each(all)('stays ended on $type', (event) => {
    expect(next(ended, event)).toBe(ended)
  })

  it.each(all.filter(({ type }) => !['elapsed', 'gave-up', 'end', 'suspend'].includes(type)))(
    'keeps waiting on $type',
    (event) => {
      expect(next(waiting, event)).toBe(waiting)
    },
  )

  it.each([first, open])('has no wait to be over while $phase', (state) => {
    expect(next(state, { type: 'elapsed' })).toBe(state)
  })
})
