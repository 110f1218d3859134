import { describe, expect, it } from 'vitest'
import { type AppendGroup, groupAppends, type PendingAppend } from './append-groups.ts'
import { AppendQueue } from './append-queue.ts'

function append(
  payload: string,
  { key = 'log', idempotencyKey }: { key?: string; idempotencyKey?: string } = {},
): PendingAppend {
  return {
    log: { key, retain: { events: 10, forMs: 1_000 } },
    payloads: [payload],
    options: idempotencyKey === undefined ? {} : { idempotencyKey },
    calledAtMs: 0,
    resolve() {},
    reject() {},
  }
}

function payloadsOf(groups: readonly AppendGroup[]): string[][] {
  return groups.map((group) => group.flatMap(({ payloads }) => payloads))
}

describe('groupAppends', () => {
  it('groups neighbours, and gives each append with an idempotency key a group of its own', () => {
    const keyed = { idempotencyKey: 'key' }
    const appends = [
      append('1'),
      append('2'),
      append('3', keyed),
      append('4', keyed),
      append('5'),
      append('6'),
    ]
    expect(payloadsOf(groupAppends(appends))).toEqual([['1', '2'], ['3'], ['4'], ['5', '6']])
  })

  it('starts another group when one gets large, and gives a huge append a group of its own', () => {
    const [half, huge] = ['x'.repeat(150_000), 'x'.repeat(1_000_000)]
    const groups = groupAppends([
      append(half),
      append(half),
      append('small'),
      append(huge),
      append('small'),
    ])
    expect(groups.map((group) => group.length)).toEqual([1, 2, 1, 1])
  })
})

describe('AppendQueue', () => {
  it('stores waiting appends together, after the pending ones, and each log separately', async () => {
    const stored: string[][] = []
    const waiting: (() => void)[] = []
    const queue = new AppendQueue((groups) => {
      stored.push(...payloadsOf(groups))
      return new Promise((resolve) => waiting.push(() => resolve([])))
    }, {})
    for (const payload of ['1', '2', '3']) queue.add(append(payload))
    queue.add(append('other', { key: 'another log' }))
    expect(stored).toEqual([['1'], ['other']])
    waiting.shift()?.()
    await expect.poll(() => stored).toEqual([['1'], ['other'], ['2', '3']])
  })
})
