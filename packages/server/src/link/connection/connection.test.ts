import { describe, expect, it } from 'vitest'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import { Connection } from './connection.ts'
import type { ResponseWriter } from './response-writer.ts'
import { Turns } from './turns.ts'

const maxBufferedBytes = 100
const head = { status: 200, headers: new Headers() }
const { signal: never } = new AbortController()

/** A connection whose other end reads when the test says so. */
function setup() {
  let buffered = 0
  const scheduled: Connection[] = []
  let drain = (): void => {}
  const writer: ResponseWriter = {
    onceClosed() {},
    start(_head, onDrain) {
      drain = onDrain
    },
    write(chunks) {
      for (const chunk of chunks) buffered += chunk.length
    },
    bufferedBytes: () => buffered,
    end() {},
    abort() {},
  }
  const connection = new Connection(writer, {
    maxBufferedBytes,
    channelsPerConnection: 10,
    now: () => 0,
    elapsedMs: () => 0,
    loads: new Turns(manualClock()),
    scheduleFlush: (each) => scheduled.push(each),
    onBytes() {},
    onClose() {},
  })
  connection.start(head)
  const sent: string[] = []
  return {
    connection,
    sent,
    /** Sends a number of bytes. */
    send(name: string, bytes: number): void {
      sent.push(name)
      connection.send(new Uint8Array(bytes))
    },
    /** Returns a function that sends until the connection is backpressured, and then waits. */
    fill(name: string): () => void {
      const fill = (): void => {
        while (!connection.isBackpressured()) this.send(name, maxBufferedBytes / 2)
        connection.onceWritable(fill)
      }
      return fill
    },
    /** Reads all bytes that were sent. */
    async read(): Promise<void> {
      for (const each of scheduled.splice(0)) each.flush()
      buffered = 0
      drain()
      // Let promises of `whenWritable` resolve.
      await Promise.resolve()
    },
  }
}

describe('a backpressured connection, once its client has read', () => {
  it('gives turns of one buffer to callbacks that always have more to send', async () => {
    const s = setup()
    for (const name of ['a', 'b', 'c']) s.fill(name)()
    expect(s.sent.splice(0)).toEqual(['a', 'a', 'a'])
    const turns: string[] = []
    for (let turn = 0; turn < 6; turn++) {
      await s.read()
      turns.push(s.sent.splice(0).join(''))
    }
    expect(turns).toEqual(['aaa', 'bbb', 'ccc', 'aaa', 'bbb', 'ccc'])
  })

  it('calls all callbacks that send little, in their order', async () => {
    const s = setup()
    for (const name of ['a', 'b', 'c']) s.connection.onceWritable(() => s.send(name, 10))
    await s.read()
    expect(s.sent).toEqual(['a', 'b', 'c'])
  })

  it('runs an awaiting caller’s function before other callbacks can fill the buffer', async () => {
    const s = setup()
    const awaited = s.connection.whenWritable(never, () => s.send('a', 10))
    s.fill('x')()
    await s.read()
    await awaited
    expect(s.sent.splice(0)).toEqual(['x', 'x', 'x', 'a', 'x', 'x'])
    expect(s.connection.isBackpressured()).toBe(true)
  })

  it('runs no function whose caller has stopped waiting', async () => {
    const s = setup()
    const leaving = new AbortController()
    const awaited = s.connection.whenWritable(leaving.signal, () => s.send('a', 10))
    leaving.abort()
    await awaited
    await s.connection.whenWritable(leaving.signal, () => s.send('b', 10))
    await s.read()
    expect(s.sent).toEqual([])
  })

  it('calls the next callback when one throws', async () => {
    const s = setup()
    const failing = s.connection.whenWritable(never, () => {
      throw new Error('It can not be written.')
    })
    const next = s.connection.whenWritable(never, () => s.send('b', 10))
    const failed = expect(failing).rejects.toThrow('It can not be written.')
    await s.read()
    await failed
    await next
    expect(s.sent).toEqual(['b'])
  })
})
