import { describe, expect, it } from 'vitest'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import { Tracer } from '../user-code/tracer.ts'
import { Recorder } from './recorder.ts'

function setup(): { clock: ManualClock; tracer: Tracer; recorder: Recorder } {
  const clock = manualClock()
  const tracer = new Tracer(undefined)
  return { clock, tracer, recorder: new Recorder(tracer, clock) }
}

const sent = { stream: 7, key: 'k', path: 'onMessage', id: '1-1', bytes: 10 } as const
const gap = {
  stream: 7,
  key: 'k',
  path: 'onMessage',
  reason: 'trimmed',
  lastEventId: '1-0',
} as const

describe('a recorder', () => {
  it('has the tracer off until somebody asks, and 10 seconds after the last question', () => {
    const { clock, tracer, recorder } = setup()
    expect(tracer.isOn).toBe(false)
    recorder.since(0)
    expect(tracer.isOn).toBe(true)
    clock.advance(9_000)
    recorder.since(0)
    clock.advance(9_000)
    expect(tracer.isOn).toBe(true)
    clock.advance(1_000)
    expect([tracer.isOn, clock.timers()]).toEqual([false, []])
  })

  it('returns each step once to a page that asks for what follows', () => {
    const { tracer, recorder } = setup()
    let next = recorder.since(0).next
    tracer.report('sent', sent)
    const first = recorder.since(next)
    next = first.next
    tracer.report('gap', gap)
    const second = recorder.since(next)
    expect(first.steps).toMatchObject([{ step: 'sent', id: '1-1', stream: 7, path: 'onMessage' }])
    expect(second.steps).toMatchObject([{ step: 'gap', detail: 'reason trimmed, lastEventId 1-0' }])
    expect(recorder.since(second.next).steps).toEqual([])
  })

  it('says how late an event is', () => {
    const { clock, tracer, recorder } = setup()
    clock.advance(18_500)
    recorder.since(0)
    tracer.report('sent', { ...sent, id: `${clock.now() - 18_500}-1` })
    tracer.report('sent', { ...sent, id: `${clock.now()}-1` })
    expect(recorder.since(0).steps.map(({ detail }) => detail)).toEqual([
      '18 s after it was stored, bytes 10',
      'bytes 10',
    ])
  })

  it('answers two pages, each with all steps', () => {
    const { tracer, recorder } = setup()
    recorder.since(0)
    tracer.report('sent', sent)
    expect([recorder.since(0).steps.length, recorder.since(0).steps.length]).toEqual([1, 1])
  })

  it('keeps room for rare steps while there is a flood of frequent ones', () => {
    const { clock, tracer, recorder } = setup()
    recorder.since(0)
    for (let i = 0; i < 10_000; i++) tracer.report('sent', sent)
    tracer.report('gap', gap)
    const { steps, skipped } = recorder.since(0)
    expect(steps).toHaveLength(101)
    expect(steps.at(-1)?.step).toBe('gap')
    expect(skipped).toBe(9_900)
    clock.advance(1_000)
    tracer.report('sent', sent)
    expect(recorder.since(0).steps).toHaveLength(102)
  })

  it('has at most 1,000 steps, and at most 200 in an answer, and says how many are left out', () => {
    const { clock, tracer, recorder } = setup()
    const { next } = recorder.since(0)
    for (let second = 0; second < 50; second++) {
      if (second % 5 === 0) recorder.since(Number.MAX_SAFE_INTEGER)
      for (let i = 0; i < 100; i++) tracer.report('sent', sent)
      clock.advance(1_000)
    }
    const answer = recorder.since(next)
    expect(answer.steps.length).toBeLessThanOrEqual(200)
    const late = recorder.since(1)
    expect(late.steps).toHaveLength(200)
    expect(late.skipped).toBe(5_000 - 200 - 1)
  })

  it('shortens what clients have chosen', () => {
    const { tracer, recorder } = setup()
    recorder.since(0)
    tracer.report('sent', { ...sent, path: 'x'.repeat(100_000), id: 'y'.repeat(100_000) })
    expect(JSON.stringify(recorder.since(0)).length).toBeLessThan(2_000)
  })
})
