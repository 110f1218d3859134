import { expect, it, vi } from 'vitest'
import { createTick, nowUs } from '../payload.ts'
import { createCounter } from './counter.ts'

function setUp(): {
  read(text: string): void
  counter: ReturnType<typeof createCounter>
  reported: number[]
} {
  const buffer = Buffer.alloc(1_024)
  const reported: number[] = []
  const counter = createCounter(buffer, (received) => reported.push(received))
  return {
    counter,
    reported,
    read: (text) => counter.count(buffer.write(text, 'latin1')),
  }
}

const event = (n: number): string => `id: ${n}\ndata: ${JSON.stringify(createTick(n, 130))}\n\n`

it('creates events of exactly the given size, with one marker each', () => {
  for (const n of [1, 99, 1_000_000]) {
    const json = JSON.stringify(createTick(n, 130))
    expect(Buffer.byteLength(json)).toBe(130)
    expect(json.split('^')).toHaveLength(2)
  }
})

it('counts events, wherever a read cuts them', () => {
  const { counter, read } = setUp()
  const text = event(1) + event(2) + event(3)
  read(text.slice(0, 40))
  read(text.slice(40, 200))
  read(text.slice(200))
  read('event: ping\ndata: \n\n')
  expect(counter.received).toBe(3)
})

it('does not count bytes that an earlier read has left in the buffer', () => {
  const { counter, read } = setUp()
  read(event(1) + event(2))
  read(':\n\n')
  expect(counter.received).toBe(2)
})

it('reports the count in steps, and the rest on request', () => {
  const { counter, read, reported } = setUp()
  counter.start({ every: 2, timed: false })
  read(event(1))
  read(event(2) + event(3))
  read(event(4))
  expect(reported).toEqual([3])
  counter.report()
  counter.report()
  expect(reported).toEqual([3, 4])
})

it('measures traffic from its start', () => {
  const { counter, read } = setUp()
  read(event(1))
  counter.start({ every: 1, timed: false })
  read('12345')
  read(event(2))
  expect(counter.traffic()).toEqual({ deliveries: 1, bytes: 5 + event(2).length })
})

it('measures the time from publish to receive, unless a read cuts the time off', () => {
  const { counter, read } = setUp()
  counter.start({ every: 1, timed: true })
  const clock = vi.spyOn(process.hrtime, 'bigint')
  clock.mockReturnValue(5_000_000n)
  const text = event(1)
  clock.mockReturnValue(12_000_000n)
  expect(nowUs()).toBe(12_000)
  read(text)
  read(text.slice(0, text.indexOf('^') + 5))
  clock.mockRestore()
  expect(counter.timesMs).toEqual([7])
})

it('finds the last id of the newest read', () => {
  const { counter, read } = setUp()
  read(event(7))
  read(event(8) + event(9))
  expect(counter.lastEventId()).toBe('9')
  read(':\n\n')
  expect(() => counter.lastEventId()).toThrow('no id')
})
