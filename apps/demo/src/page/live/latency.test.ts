import { expect, it } from 'vitest'
import { createLatency } from './latency.ts'

/** A page shown at 0, whose frames the test paints. */
function setup() {
  let now = 0
  let frames: Array<() => void> = []
  const latency = createLatency({ now: () => now, afterFrame: (callback) => frames.push(callback) })
  latency.visibilityChanged(false)
  return {
    values: () => latency.values.get(),
    at(
      ms: number,
      happens: { readonly event?: number; readonly hidden?: boolean; readonly frame?: true },
    ) {
      now = ms
      if (happens.event !== undefined) latency.measure(happens.event)
      if (happens.hidden !== undefined) latency.visibilityChanged(happens.hidden)
      if (!happens.frame) return
      const due = frames
      frames = []
      for (const callback of due) callback()
    },
  }
}

it('measures from publish to the next frame', () => {
  const { at, values } = setup()
  at(110, { event: 100 })
  at(112, { event: 105 })
  at(116, { frame: true })
  at(130, { event: 126, frame: true })
  expect(values()).toEqual([16, 11, 4])
})

it('ignores events published while the page was hidden', () => {
  const { at, values } = setup()
  at(100, { hidden: true })
  at(210, { event: 200, frame: true })
  at(1_000, { hidden: false })
  at(1_001, { event: 990 })
  at(1_020, { event: 1_005, frame: true })
  expect(values()).toEqual([15])
})

it('ignores events that arrived before the page was hidden', () => {
  const { at, values } = setup()
  at(100, { event: 95 })
  at(101, { hidden: true })
  at(5_000, { hidden: false })
  at(5_001, { frame: true })
  expect(values()).toEqual([])
})
