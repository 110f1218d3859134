import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../tests/support/manual-clock.ts'
import type { ResponseWriter } from '../link/connection/response-writer.ts'
import { ThrottledWriter } from './throttled-writer.ts'

/** Creates a throttled writer, and records what reaches the client. */
function setup(bytesPerTick: number) {
  const clock = manualClock()
  const sent: string[] = []
  const calls: string[] = []
  const inner: ResponseWriter = {
    onceClosed() {},
    start() {},
    write: (chunks) => void sent.push(...chunks.map((chunk) => new TextDecoder().decode(chunk))),
    bufferedBytes: () => 0,
    end: () => void calls.push('end'),
    abort: () => void calls.push('abort'),
  }
  const throttle = { bytesPerTick, forMs: 30_000 }
  const writer = new ThrottledWriter(inner, () => calls.push('drain'), clock, throttle)
  writer.onEnd = () => calls.push('over')
  const write = (...texts: string[]): void =>
    writer.write(texts.map((text) => new TextEncoder().encode(text)))
  return { clock, writer, sent, calls, write }
}

describe('a stalled writer', () => {
  it('writes nothing, and counts what waits as buffered', () => {
    const { clock, writer, sent, write } = setup(0)
    write('one', 'two')
    clock.advance(29_000)
    expect(sent).toEqual([])
    expect(writer.bufferedBytes()).toBe(6)
  })

  it('writes everything in order after 30 seconds, and offers turns', () => {
    const { clock, writer, sent, calls, write } = setup(0)
    write('one')
    write('two')
    clock.advance(30_000)
    expect(sent).toEqual(['one', 'two'])
    expect(calls).toEqual(['over', 'drain'])
    expect([writer.bufferedBytes(), clock.timers()]).toEqual([0, []])
  })

  it('writes everything when it is released, or when the response ends', () => {
    const released = setup(0)
    released.write('one')
    released.writer.release()
    const ended = setup(0)
    ended.write('one')
    ended.writer.end()
    expect([released.sent, ended.sent]).toEqual([['one'], ['one']])
    expect(ended.calls).toEqual(['over', 'end'])
    expect([released.clock.timers(), ended.clock.timers()]).toEqual([[], []])
  })

  it('drops what waits when the connection is aborted, or the client is gone', () => {
    const aborted = setup(0)
    aborted.write('one')
    aborted.writer.abort()
    const gone = setup(0)
    gone.write('one')
    gone.writer.drop()
    expect([aborted.sent, gone.sent]).toEqual([[], []])
    expect(aborted.calls).toEqual(['over', 'abort'])
    expect([aborted.clock.timers(), gone.clock.timers()]).toEqual([[], []])
  })
})

it('a slowed writer writes some bytes in each quarter of a second, in order', () => {
  const { clock, writer, sent, write } = setup(4)
  write('abcdef', 'gh')
  clock.advance(250)
  expect([sent.join(), writer.bufferedBytes()]).toEqual(['abcd', 4])
  clock.advance(500)
  expect([sent.join(''), writer.bufferedBytes()]).toEqual(['abcdefgh', 0])
})
