import { channels } from './channels.ts'
import { repeat } from './repeat.ts'

const lookMs = 500
const repeatMs = 2_000

/** What a server link says that it serves. */
interface Stats {
  readonly connections: number
  readonly subscriptions: number
}

/** Publishes what this instance serves, when that changes and as a sign of life; in the end, that it is nothing. */
export async function publishLoad(
  instance: number,
  stats: () => Stats,
  signal: AbortSignal,
): Promise<void> {
  let told = { connections: -1, subscriptions: -1 }
  let toldAt = 0
  await repeat(lookMs, signal, async () => {
    const { connections, subscriptions } = stats()
    const isNew = connections !== told.connections || subscriptions !== told.subscriptions
    if (!isNew && Date.now() - toldAt < repeatMs) return
    await channels.load().publish({ instance, connections, subscriptions })
    told = { connections, subscriptions }
    toldAt = Date.now()
  })
  // If it can't be said, its silence says so a little later.
  await channels
    .load()
    .publish({ instance, connections: 0, subscriptions: 0 })
    .catch(() => {})
}
