import { describe, expect, it } from 'vitest'
import { initialStreamState, next, type StreamEvent, type StreamState } from './state.ts'

const error = new Error('cut')
const first = initialStreamState
const again: StreamState = { ...first, failures: 3, everOpen: true }
const open: StreamState = { ...again, phase: 'open' }
const proven: StreamState = { ...open, proven: true }
const waiting: StreamState = { ...again, phase: 'waiting', failures: 4, askedWaitMs: 50, error }
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
  ['does not count an opening as progress', again, { type: 'connected' }, { phase: 'open' }],
  ['does not forget failures at a sign that it works', open, { type: 'sign' }, { proven: true }],
  ['takes no sign before the opening', again, { type: 'sign' }, {}],
  ['forgets failures when it makes progress', open, { type: 'progress' }, { failures: 0 }],
  ['takes no progress before the opening', again, { type: 'progress' }, {}],
  [
    'waits after a failed attempt',
    first,
    { type: 'lost', error },
    { phase: 'waiting', failures: 1, error },
  ],
  [
    'counts a stream that proved nothing',
    open,
    { type: 'lost', error },
    { phase: 'waiting', failures: 4, error },
  ],
  [
    'counts from one after a stream that made progress',
    { ...proven, failures: 0 },
    { type: 'lost', error },
    { phase: 'waiting', failures: 1, error },
  ],
  [
    'waits as Retry-After says',
    first,
    { type: 'lost', error, retryAfterMs: 700 },
    { phase: 'waiting', failures: 1, askedWaitMs: 700, error },
  ],
  [
    'waits as retry says',
    { ...open, retryMs: 900 },
    { type: 'lost', error },
    { phase: 'waiting', failures: 4, askedWaitMs: 900, error },
  ],
  [
    'waits the longer of two',
    { ...open, retryMs: 900 },
    { type: 'lost', error, retryAfterMs: 700 },
    { phase: 'waiting', failures: 4, askedWaitMs: 900, error },
  ],
  [
    'waits no more than five minutes',
    first,
    { type: 'lost', error, retryAfterMs: 1e12 },
    { phase: 'waiting', failures: 1, askedWaitMs: 300_000, error },
  ],
  ['remembers retry', open, { type: 'retry', ms: 40 }, { retryMs: 40 }],
  ['bounds retry', open, { type: 'retry', ms: 1e12 }, { retryMs: 300_000 }],
  ['replaces retry', { ...open, retryMs: 90 }, { type: 'retry', ms: 40 }, { retryMs: 40 }],
  [
    'keeps retry over an attempt that got no answer',
    { ...first, retryMs: 90 },
    { type: 'lost', error },
    { phase: 'waiting', failures: 1, askedWaitMs: 90, error },
  ],
  [
    'lets a new stream speak for itself',
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
    'forgets proof with the stream that gave it',
    { ...proven, phase: 'waiting' },
    { type: 'elapsed' },
    { phase: 'connecting', proven: false },
  ],
  [
    'moves without a failure',
    proven,
    { type: 'move' },
    { phase: 'waiting', bridge: 'asked', failures: 0 },
  ],
  [
    'backs off if asked to move before anything worked',
    open,
    { type: 'move' },
    { phase: 'waiting', bridge: 'asked', failures: 4 },
  ],
  [
    'does not wait as retry says when asked to move',
    { ...proven, retryMs: 900 },
    { type: 'move' },
    { phase: 'waiting', bridge: 'asked', failures: 0 },
  ],
  [
    'opens a new stream for itself, without a failure',
    open,
    { type: 'reopen' },
    { phase: 'waiting', bridge: 'own', failures: 0 },
  ],
  ['has nothing to reopen before the opening', first, { type: 'reopen' }, {}],
  [
    'keeps the bridge when open, until it is told',
    { ...again, bridge: 'asked' },
    { type: 'connected' },
    { phase: 'open' },
  ],
  ['forgets the bridge', { ...open, bridge: 'asked' }, { type: 'unbridged' }, { bridge: 'none' }],
  [
    'forgets the bridge while it waits',
    { ...waiting, bridge: 'own' },
    { type: 'unbridged' },
    { bridge: 'none' },
  ],
  [
    'keeps what the server asked it to leave, while no other can be had',
    { ...first, bridge: 'asked' },
    { type: 'lost', error },
    { phase: 'waiting', failures: 1, error },
  ],
  [
    'leaves what it wanted to leave if no other can be had beside it',
    { ...first, bridge: 'own' },
    { type: 'lost', error },
    { phase: 'waiting', bridge: 'none', failures: 1, error },
  ],
  [
    'ends when refused',
    first,
    { type: 'refused', error, status: 401 },
    { phase: 'ended', error, status: 401 },
  ],
  [
    'tries again when refused, while the one before goes on at the wish of the server',
    { ...first, bridge: 'asked' },
    { type: 'refused', error, status: 401 },
    { phase: 'waiting', failures: 1, error },
  ],
  [
    'stays with the one before when refused what it wanted for itself',
    { ...first, bridge: 'own' },
    { type: 'refused', error, status: 400 },
    { phase: 'open', bridge: 'none' },
  ],
  [
    'is suspended, and starts anew after that',
    { ...proven, bridge: 'asked', failures: 2, error },
    { type: 'suspend' },
    { phase: 'waiting', bridge: 'none', suspended: true, failures: 0, error: undefined },
  ],
  [
    'is suspended while it waits',
    waiting,
    { type: 'suspend' },
    { suspended: true, failures: 0, askedWaitMs: 0, error: undefined },
  ],
  [
    'wakes up',
    { ...waiting, suspended: true },
    { type: 'elapsed' },
    { phase: 'connecting', suspended: false, askedWaitMs: 0, error: undefined },
  ],
  ['takes no wish to move before the opening', first, { type: 'move' }, {}],
  [
    'waits after a wrong answer',
    first,
    { type: 'wrong-answer', error },
    { phase: 'waiting', failures: 1, wrongAnswers: 1, error },
  ],
  [
    'gives up after five wrong answers',
    { ...first, wrongAnswers: 4 },
    { type: 'wrong-answer', error },
    { phase: 'ended', error },
  ],
  [
    'never gives up on an address that worked',
    { ...again, wrongAnswers: 99 },
    { type: 'wrong-answer', error },
    { phase: 'waiting', failures: 4, wrongAnswers: 100, error },
  ],
  [
    'counts wrong answers in a row only',
    { ...first, wrongAnswers: 4 },
    { type: 'lost', error },
    { phase: 'waiting', failures: 1, wrongAnswers: 0, error },
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
    { type: 'sign' },
    { type: 'progress' },
    { type: 'retry', ms: 1 },
    { type: 'lost', error },
    { type: 'wrong-answer', error },
    { type: 'refused', error },
    { type: 'move' },
    { type: 'reopen' },
    { type: 'unbridged' },
    { type: 'suspend' },
    { type: 'elapsed' },
    { type: 'end', error },
  ]

  it.each(all)('stays ended on $type', (event) => {
    expect(next(ended, event)).toBe(ended)
  })

  it.each(all.filter(({ type }) => !['elapsed', 'end', 'suspend'].includes(type)))(
    'goes on waiting on $type',
    (event) => {
      expect(next(waiting, event)).toBe(waiting)
    },
  )

  it.each([first, open])('has no wait to be over while $phase', (state) => {
    expect(next(state, { type: 'elapsed' })).toBe(state)
  })
})
