import { describe, expect, it } from 'vitest'
import { createCodec } from '../codec/codec.ts'
import type { LogEntry } from './log-event.ts'
import { Window } from './window.ts'

const codec = createCodec(undefined)
const event = (n: number, data = ''): LogEntry => ({
  kind: 'event',
  id: `${n}-0`,
  prev: `${n - 1}-0`,
  data,
  codec,
  decoded: undefined,
  frame: undefined,
})

describe('a window', () => {
  it('serves positions at its start, inside and at its end', () => {
    const window = new Window({ events: 3, characters: 1e6 }, '0-0')
    for (let n = 1; n <= 5; n++) window.push(event(n))
    expect([window.start, window.end, window.tail]).toEqual([2, 5, '5-0'])
    expect(window.after('2-0')).toBe(2)
    expect(window.after('3-0')).toBe(3)
    expect(window.after('5-0')).toBe(5)
    expect(window.after('1-0')).toBeUndefined()
    expect(window.at(2)?.id).toBe('3-0')
    expect(window.at(1)).toBeUndefined()
    expect(window.at(5)).toBeUndefined()
  })

  it('stays within its limit of characters, but always has the newest entry', () => {
    const window = new Window({ events: 100, characters: 10 }, '0-0')
    window.push(event(1, '123456'))
    window.push(event(2, '123456'))
    expect(window.start).toBe(1)
    window.push(event(3, '12345678901234567890'))
    expect([window.start, window.end]).toEqual([2, 3])
  })

  it('finds the newer of two entries with the same id, after the log went back', () => {
    const window = new Window({ events: 10, characters: 1e6 }, '0-0')
    for (let n = 1; n <= 3; n++) window.push(event(n))
    window.push({ kind: 'jump', id: '1-0' })
    expect(window.tail).toBe('1-0')
    expect(window.after('1-0')).toBe(4)
    expect(window.after('3-0')).toBe(3)
  })

  it('prepends older entries from a page that reaches its start', () => {
    const window = new Window({ events: 6, characters: 1e6 }, '4-0')
    for (let n = 5; n <= 6; n++) window.push(event(n))
    window.prepend('0-0', [event(1), event(2), event(3)])
    expect(window.start).toBe(0)
    const page = [1, 2, 3, 4, 5].map((n) => event(n))
    window.prepend('0-0', page)
    window.prepend('0-0', page)
    expect([window.start, window.end]).toEqual([-4, 2])
    expect(window.after('0-0')).toBe(-4)
    expect(window.after('3-0')).toBe(-1)
    expect(window.at(-4)?.id).toBe('1-0')
    window.push(event(7))
    window.push(event(8))
    expect(window.after('1-0')).toBeUndefined()
    expect(window.after('2-0')).toBe(-2)
    expect(Array.from({ length: 6 }, (_, i) => window.at(i - 2)?.id)).toEqual(
      [3, 4, 5, 6, 7, 8].map((n) => `${n}-0`),
    )
  })

  it('prepends no more than its limits allow, newest first', () => {
    const window = new Window({ events: 4, characters: 1e6 }, '4-0')
    window.push(event(5))
    window.prepend('0-0', [event(1), event(2), event(3), event(4)])
    expect([window.start, window.end]).toEqual([-3, 1])
    expect(window.after('1-0')).toBe(-3)
    expect(window.after('0-0')).toBeUndefined()
    const small = new Window({ events: 100, characters: 10 }, '2-0')
    small.push(event(3, '12345'))
    small.prepend('0-0', [event(1, '123456'), event(2, '1234')])
    expect([small.start, small.at(small.start)?.id]).toEqual([-1, '2-0'])
  })

  it('works after many more pushes than it can hold', () => {
    const window = new Window({ events: 50, characters: 1e6 }, '0-0')
    for (let n = 1; n <= 10_000; n++) {
      window.push(event(n))
      expect(window.at(window.end - 1)?.id).toBe(`${n}-0`)
      expect(window.at(window.start)?.id).toBe(`${Math.max(1, n - 49)}-0`)
    }
    expect(window.after('9950-0')).toBe(window.start)
    expect(window.after('9949-0')).toBeUndefined()
  })
})
