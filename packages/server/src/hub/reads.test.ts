import { describe, expect, it } from 'vitest'
import { range } from '../../../../tests/support/numbers.ts'
import { createReadGroup, type Read, type ReadGroup, Reads, readInTurn } from './reads.ts'

/** Reads that the test ends one by one, and the names of the reads that have started. */
function setup(limits: { perProcess: number; perLog: number }) {
  const reads = new Reads(limits)
  const started: string[] = []
  const dropped: string[] = []
  const ends = new Map<string, () => void>()
  const unwanted = new Set<string>()
  return {
    reads,
    started,
    dropped,
    unwanted,
    add(name: string, log: string, group: ReadGroup = createReadGroup()): Read {
      const read: Read = {
        log,
        group,
        isWanted: () => !unwanted.has(name),
        onDropped: () => void dropped.push(name),
        start() {
          started.push(name)
          return new Promise((resolve) => ends.set(name, resolve))
        },
      }
      reads.add(read)
      return read
    },
    /** Ends a read, so that the next ones can start. */
    async end(name: string): Promise<void> {
      ends.get(name)?.()
      await new Promise(setImmediate)
    },
  }
}

describe('Reads', () => {
  it('runs no more concurrent reads than the limits for the process and for a log allow', async () => {
    const s = setup({ perProcess: 3, perLog: 2 })
    for (const n of range(1, 4)) s.add(`a${n}`, 'a')
    for (const n of range(1, 2)) s.add(`b${n}`, 'b')
    expect(s.started).toEqual(['a1', 'a2', 'b1'])
    await s.end('b1')
    expect(s.started.slice(3)).toEqual(['b2'])
    await s.end('a1')
    await s.end('a2')
    expect(s.started.slice(4)).toEqual(['a3', 'a4'])
  })

  it('lets groups take turns, however many reads one group has', async () => {
    const s = setup({ perProcess: 2, perLog: 1 })
    const greedy = createReadGroup()
    for (const n of range(1, 500)) s.add(`same${n}`, 'same', greedy)
    for (const n of range(1, 500)) s.add(`log${n}`, `log ${n}`, greedy)
    const waiting = s.started.length
    s.add('modest', 'same')
    s.add('other', 'other')
    for (let i = 0; i < 10; i++) await s.end(s.started[i] ?? '')
    expect(s.started.slice(waiting, waiting + 10)).toEqual(
      expect.arrayContaining(['modest', 'other']),
    )
  })

  it('gives other logs their turn while many reads wait for a busy log', async () => {
    const s = setup({ perProcess: 2, perLog: 1 })
    for (const n of range(1, 20)) s.add(`a${n}`, 'a')
    for (const n of range(1, 2)) s.add(`b${n}`, 'b')
    s.add('c', 'c')
    for (const i of range(0, 3)) await s.end(s.started[i] ?? '')
    expect(s.started).toContain('c')
  })

  it('never starts a read that was deleted, wherever it waited', async () => {
    const s = setup({ perProcess: 2, perLog: 1 })
    s.add('a1', 'a')
    const parked = s.add('a2', 'a')
    s.add('b1', 'b')
    const ready = s.add('c1', 'c')
    s.add('a3', 'a')
    s.reads.delete(parked)
    s.reads.delete(ready)
    await s.end('a1')
    await s.end('b1')
    expect(s.started).toEqual(['a1', 'b1', 'a3'])
  })

  it('gives the turn of a deleted read to the next one', async () => {
    const s = setup({ perProcess: 1, perLog: 1 })
    s.add('a1', 'a')
    const next = s.add('a2', 'a')
    s.add('a3', 'a')
    s.reads.delete(next)
    await s.end('a1')
    expect(s.started).toEqual(['a1', 'a3'])
  })

  it('checks only at a read’s turn whether the read is still wanted', async () => {
    const s = setup({ perProcess: 1, perLog: 1 })
    s.add('a1', 'a')
    s.add('a2', 'a')
    s.add('a3', 'a')
    s.unwanted.add('a2')
    expect(s.dropped).toEqual([])
    await s.end('a1')
    expect(s.dropped).toEqual(['a2'])
    expect(s.started).toEqual(['a1', 'a3'])
  })

  it('lets a dropped read add another one', async () => {
    const s = setup({ perProcess: 1, perLog: 1 })
    s.add('a1', 'a')
    const group = createReadGroup()
    s.reads.add({
      log: 'a',
      group,
      isWanted: () => false,
      onDropped: () => void s.add('again', 'a', group),
      start: () => Promise.reject(new Error('It was not wanted.')),
    })
    await s.end('a1')
    expect(s.started).toEqual(['a1', 'again'])
  })

  it('rejects a wait that is aborted', async () => {
    const s = setup({ perProcess: 1, perLog: 1 })
    s.add('a1', 'a')
    const controller = new AbortController()
    const waiting = { log: 'a', group: createReadGroup(), signal: controller.signal }
    const result = readInTurn(s.reads, waiting, async () => s.started.push('never'))
    controller.abort('given up')
    await expect(result).rejects.toBe('given up')
    await s.end('a1')
    expect(s.started).toEqual(['a1'])
  })
})
