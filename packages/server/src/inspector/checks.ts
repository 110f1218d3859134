import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import { within } from '../user-code/within.ts'
import { messageOf } from './channels.ts'
import type { Check } from './messages.ts'

/** The longest wait for a check, in milliseconds. */
const checkMs = 1_500

/** A log that is never written. It is never a channel's log, as names can't start with `~`. */
const log: ChannelLog = {
  key: JSON.stringify(['~inspector-check']),
  retain: { events: 1, forMs: 10_000 },
}

/** Checks whether a backend answers. */
export function checkStorage(backend: Backend, clock: Clock): Promise<Check> {
  return timed(clock, () => backend.read(log, { last: 0, limit: 1 }))
}

/** Checks whether a notice to this process arrives: the way that notifications of events take. */
export async function checkNotifications(
  clock: Clock,
  askSelf: (() => Promise<unknown>) | undefined,
): Promise<Check> {
  if (!askSelf) return { state: 'none', tookMs: 0 }
  return await timed(clock, async () => {
    if ((await askSelf()) === undefined)
      throw new Error('A notice that this instance sent to itself did not arrive.')
  })
}

async function timed(clock: Clock, check: () => Promise<unknown>): Promise<Check> {
  const elapsedMs = elapsedTime(clock)
  const startedAtMs = elapsedMs()
  try {
    await within(clock, checkMs, check())
    return { state: 'ok', tookMs: elapsedMs() - startedAtMs }
  } catch (error) {
    return { state: 'failed', tookMs: elapsedMs() - startedAtMs, message: messageOf(error) }
  }
}
