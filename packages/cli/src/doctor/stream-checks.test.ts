import { describe, expect, it } from 'vitest'
import type { Probe } from './probe.ts'
import { checkAnswer, checkHeartbeat, checkTiming } from './stream-checks.ts'

const message = (event: string, atMs: number, data = '') => ({ event, atMs, data })
const stream = (part: Partial<Probe>): Probe => ({
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  headAtMs: 1,
  messages: [],
  text: '',
  endAtMs: 3_300,
  endedBy: 'end',
  ...part,
})

describe('checkTiming', () => {
  const timings: [string, Partial<Probe>, string, string][] = [
    [
      'on time',
      { messages: [message('$connected', 9), message('$reconnect', 3_009)] },
      'buffering',
      'ok',
    ],
    [
      'late but apart',
      { messages: [message('$connected', 2_000), message('$reconnect', 5_000)] },
      'buffering',
      'ok',
    ],
    [
      'all at once',
      { messages: [message('$connected', 3_300), message('$reconnect', 3_301)] },
      'buffering',
      'problem',
    ],
    [
      'cut',
      { messages: [message('$connected', 9)], endAtMs: 1_000, endedBy: 'cut' },
      'idle-timeout',
      'problem',
    ],
    ['empty', { messages: [], endAtMs: 1_000 }, 'idle-timeout', 'problem'],
  ]
  it.each(timings)('a stream that arrives %s', (_name, part, check, status) => {
    expect(checkTiming(stream(part), 3_000)).toMatchObject({ check, status })
  })
})

describe('checkHeartbeat', () => {
  const opened = message('$connected', 9)
  const heartbeats: [string, Partial<Probe>, string, string][] = [
    [
      'a ping',
      { messages: [opened, message('$ping', 15_000)], endedBy: 'closed' },
      'heartbeat',
      'ok',
    ],
    [
      'a notice',
      { messages: [opened, message('$reconnect', 9_000)], endedBy: 'closed' },
      'heartbeat',
      'ok',
    ],
    ['silence', { messages: [opened], endedBy: 'closed', endAtMs: 60_000 }, 'heartbeat', 'problem'],
    ['a cut', { messages: [opened], endedBy: 'cut', endAtMs: 10_000 }, 'idle-timeout', 'problem'],
    ['an end', { messages: [opened], endedBy: 'end', endAtMs: 10_000 }, 'idle-timeout', 'problem'],
  ]
  it.each(heartbeats)('%s', (_name, part, check, status) => {
    expect(checkHeartbeat(stream(part))).toMatchObject({ check, status })
  })
})

describe('checkAnswer', () => {
  it.each([
    [404, 'basePath'],
    [401, '--header'],
    [503, 'link.stats().refused'],
    [302, 'proxies'],
    [200, 'proxies'],
  ])('%i without a stream says what to look at', (status, advice) => {
    const check = checkAnswer(stream({ status, headers: { 'content-type': 'text/html' } }))
    expect(check.status).toBe('problem')
    expect(check.change).toContain(advice)
  })
})
