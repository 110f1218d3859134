import type { AppendOptions, AppendResult, ChannelLog } from '@trpc-sse/server'

/** One call of `append`, until it is answered. */
export interface PendingAppend {
  readonly log: ChannelLog
  readonly payloads: readonly string[]
  readonly options: AppendOptions
  readonly calledAtMs: number
  resolve(result: AppendResult): void
  reject(error: unknown): void
}

/** Appends to one log that are stored by one command. With an idempotency key there is only one of them. */
export type AppendGroup = readonly [PendingAppend, ...PendingAppend[]]

/**
 * Returns what takes the appends of this process, and stores those of one log in the order of the calls. While some
 * are under way, the ones that come meanwhile wait, and are then sent together. So a failure can't put one
 * before another, and many at once cost Redis little more than one.
 *
 * @param store Stores groups in their order. Settles every append in them, and never rejects.
 */
export function createAppendQueue(
  store: (groups: readonly [AppendGroup, ...AppendGroup[]]) => Promise<void>,
): (append: PendingAppend) => void {
  const waiting = new Map<string, PendingAppend[]>()

  async function storeAll(key: string, first: PendingAppend): Promise<void> {
    let groups = groupAppends([first])
    while (isNotEmpty(groups)) {
      await store(groups)
      groups = groupAppends(waiting.get(key) ?? [])
      waiting.set(key, [])
    }
    waiting.delete(key)
  }

  return (append) => {
    const { key } = append.log
    const behind = waiting.get(key)
    if (behind !== undefined) {
      behind.push(append)
      return
    }
    waiting.set(key, [])
    void storeAll(key, append)
  }
}

/** The most characters that appends are put together to. One that is larger goes by itself. */
const maxGroupLength = 262_144
/** What an event costs beside its payload, about, in characters. */
const eventOverhead = 128

/** Puts neighbours together: all but those with an idempotency key, which each have an answer of their own. */
export function groupAppends(appends: readonly PendingAppend[]): readonly AppendGroup[] {
  const groups: [PendingAppend, ...PendingAppend[]][] = []
  let room = 0
  for (const append of appends) {
    const length = lengthOf(append)
    const group = groups.at(-1)
    const alone = append.options.idempotencyKey !== undefined
    if (group === undefined || alone || length > room) {
      groups.push([append])
      room = alone ? 0 : maxGroupLength - length
    } else {
      group.push(append)
      room -= length
    }
  }
  return groups
}

function lengthOf({ payloads }: PendingAppend): number {
  return payloads.reduce((length, payload) => length + payload.length + eventOverhead, 1)
}

function isNotEmpty<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0
}
