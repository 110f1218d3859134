import { describe, expect, it } from 'vitest'
import {
  type Connection,
  createConnection,
  flush,
  isFull,
  open,
  room,
  send,
  whenRoom,
} from './connection.ts'
import type { Network } from './response-writer.ts'

const maxBufferedBytes = 100
const head = { status: 200, headers: new Headers() }
const { signal: never } = new AbortController()

/** A connection whose other end reads when it is told to. */
function setup() {
  let buffered = 0
  const scheduled: Connection[] = []
  const network: Network = {
    write(_, chunks) {
      for (const chunk of chunks) buffered += chunk.length
    },
    buffered: () => buffered,
    end() {},
    cut() {},
  }
  const connection = createConnection(
    { open: () => ({ network }), onGone() {} },
    {
      maxBufferedBytes,
      channelsPerConnection: 10,
      now: () => 0,
      elapsedMs: () => 0,
      loads: { enter: () => undefined },
      schedule: (each) => scheduled.push(each),
      onBytes() {},
      onClose() {},
    },
  )
  open(connection, head)
  const sent: string[] = []
  return {
    connection,
    sent,
    /** Sends so many bytes. */
    send(name: string, bytes: number): void {
      sent.push(name)
      send(connection, new Uint8Array(bytes))
    },
    /** Sends as much as there is room for, and waits for more. */
    fill(name: string): () => void {
      const pump = (): void => {
        while (!isFull(connection)) this.send(name, maxBufferedBytes / 2)
        whenRoom(connection, pump)
      }
      return pump
    },
    /** Reads everything: the sink tells of room. */
    async read(): Promise<void> {
      for (const each of scheduled.splice(0)) flush(each)
      buffered = 0
      connection.onRoom()
      // Who awaits room goes on.
      await Promise.resolve()
    },
  }
}

describe('the room of a connection', () => {
  it('is taken in turns by those who always have more, a buffer each', async () => {
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

  it('is for all at once who need little of it, in their order', async () => {
    const s = setup()
    for (const name of ['a', 'b', 'c']) whenRoom(s.connection, () => s.send(name, 10))
    await s.read()
    expect(s.sent).toEqual(['a', 'b', 'c'])
  })

  it('is used by who awaits it before others can fill it', async () => {
    const s = setup()
    const awaited = room(s.connection, never, () => s.send('a', 10))
    s.fill('x')()
    await s.read()
    await awaited
    expect(s.sent.splice(0)).toEqual(['x', 'x', 'x', 'a', 'x', 'x'])
    expect(isFull(s.connection)).toBe(true)
  })

  it('is nothing to who has stopped waiting', async () => {
    const s = setup()
    const leaving = new AbortController()
    const awaited = room(s.connection, leaving.signal, () => s.send('a', 10))
    leaving.abort()
    await awaited
    await room(s.connection, leaving.signal, () => s.send('b', 10))
    await s.read()
    expect(s.sent).toEqual([])
    expect(s.connection.forRoom?.size).toBe(0)
  })

  it('is there for the next one when one throws', async () => {
    const s = setup()
    const failing = room(s.connection, never, () => {
      throw new Error('It can not be written.')
    })
    const next = room(s.connection, never, () => s.send('b', 10))
    const failed = expect(failing).rejects.toThrow('It can not be written.')
    await s.read()
    await failed
    await next
    expect(s.sent).toEqual(['b'])
  })
})
