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

/** Appends to one log that are stored together. With an idempotency key there is only one of them. */
export type AppendGroup = readonly [PendingAppend, ...PendingAppend[]]

/** Groups that are stored by one command, in their order. */
export type AppendGroups = readonly [AppendGroup, ...AppendGroup[]]

/**
 * Returns what takes the appends of this process, and stores those of one log in the order of the calls. While some
 * are under way, the ones that come meanwhile wait, and are then sent together. So a failure can't put one
 * before another, and many at once cost Redis little more than one.
 *
 * @param store Stores groups in their order. Settles every append in them, and never rejects.
 */
export function createAppendQueue(
  store: (groups: AppendGroups) => Promise<void>,
): (append: PendingAppend) => void {
  const waiting = new Map<string, PendingAppend[]>()

  async function storeAll(key: string, first: PendingAppend): Promise<void> {
    let groups = groupAppends([first])
    while (isNotEmpty(groups)) {
      const fitting = takeFitting(groups)
      await store(fitting)
      groups = groups.slice(fitting.length)
      if (groups.length > 0) continue
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
/** The most groups in one command: Redis does nothing else meanwhile. */
const maxGroups = 256
/** What an event costs beside its payload, about, in characters. */
const eventOverhead = 128

/** The first groups, as many as fit into one command. */
function takeFitting([first, ...rest]: AppendGroups): AppendGroups {
  const fitting: [AppendGroup, ...AppendGroup[]] = [first]
  let room = maxGroupLength - groupLength(first)
  for (const group of rest.slice(0, maxGroups - 1)) {
    room -= groupLength(group)
    if (room < 0) break
    fitting.push(group)
  }
  return fitting
}

function groupLength(group: AppendGroup): number {
  return group.reduce((length, append) => length + lengthOf(append), 0)
}

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
