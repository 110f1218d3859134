import type { Backend, ChannelLog, LogChange } from '@trpc-sse/server'
import type { Chance } from '../chance.ts'

/** Makes a call of a backend, of any kind. `ids` are those that it knows, and learns. */
export async function randomCall(backend: Backend, chance: Chance, ids: string[]): Promise<void> {
  const log = randomLog(chance)
  await chance.one(calls)(backend, log, chance, ids)
}

type Call = (backend: Backend, log: ChannelLog, chance: Chance, ids: string[]) => Promise<void>

const append: Call = async (backend, log, chance, ids) => {
  const appends = Array.from({ length: chance.one([1, 1, 1, 3, 20]) }, async () => {
    const payloads = Array.from({ length: chance.one([1, 1, 4]) }, () => payload(chance))
    const key = chance.is(0.3) ? { idempotencyKey: `key ${chance.below(5)}` } : {}
    const result = await backend.append(log, payloads, {
      ...key,
      ...(chance.is(0.5) && { idempotencyMs: chance.one([1, 5, 60_000]) }),
    })
    ids.push(...result.ids)
  })
  for (const result of await Promise.allSettled(appends))
    if (result.status === 'rejected') throw result.reason
}

const read: Call = async (backend, log, chance, ids) => {
  const bounds = { limit: chance.one([0, 1, 10, 1_000]), maxBytes: chance.one([1, 2_000, 1e9]) }
  const after = ids.length > 0 && chance.is(0.8) ? chance.one(ids) : '0-0'
  const range = chance.is(0.6) ? { after, ...bounds } : { last: chance.below(30), ...bounds }
  const page = await backend.read(log, range)
  ids.push(page.lastEventId)
}

const change: Call = async (backend, log, chance) => {
  const field = (): string => `entry ${chance.below(4)}`
  const changed: LogChange = {
    ...(chance.is(0.3) && { when: [{ key: field(), is: chance.one([null, 'a', 'b']) }] }),
    ...(chance.is(0.3) && { delete: [field()] }),
    set: Array.from({ length: chance.below(3) }, () => ({
      key: field(),
      value: chance.one(['a', 'b']),
      ...(chance.is(0.5) && { forMs: chance.one([1, 3, 60_000]) }),
      ...(chance.is(0.5) && { onExpiry: payload(chance) }),
    })),
    payloads: Array.from({ length: chance.below(3) }, () => payload(chance)),
    ...(chance.is(0.3) && { maxEntries: chance.below(5) }),
    ...(chance.is(0.2) && { forgetAfterMs: chance.one([1, 4, 60_000]) }),
  }
  await backend.change?.({ ...log, entries: { checkMs: 1_000 } }, changed)
}

const entries: Call = async (backend, log, chance) => {
  await backend.entries?.({ ...log, entries: { checkMs: 1_000 } }, { limit: chance.one([1, 100]) })
}

const clear: Call = (backend, log) => backend.clear(log)

const notify: Call = async (backend, log) => {
  await backend.notify?.(log, 'a notice')
}

const calls: readonly Call[] = [append, append, append, read, read, change, entries, clear, notify]

function randomLog(chance: Chance): ChannelLog {
  const key = chance.one(['one', 'two'])
  return {
    key,
    // Logs are written with entries by the other kinds of calls, too.
    ...(chance.is(0.3) && { entries: { checkMs: 1_000 } }),
    retain: { events: chance.one([1, 5, 100, 1_000]), forMs: chance.one([2, 1_000, 3_600_000]) },
  }
}

function payload(chance: Chance): string {
  return chance.is(0.2) ? 'ü'.repeat(chance.below(3_000)) : `"${chance.below(1_000)}"`
}
