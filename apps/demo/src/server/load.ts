import { channels } from './channels.ts'
import { repeat } from './repeat.ts'

const checkMs = 500
const repeatMs = 2_000

/** The part of a link's statistics that the page shows. */
interface Stats {
  readonly connections: number
  readonly subscriptions: number
}

/**
 * Publishes the load of this instance on each change and every two seconds, and zeros at the end.
 */
export async function publishLoad(
  instance: number,
  stats: () => Stats,
  signal: AbortSignal,
): Promise<void> {
  let published = { connections: -1, subscriptions: -1 }
  let publishedAt = 0
  await repeat(checkMs, signal, async () => {
    const { connections, subscriptions } = stats()
    const isNew = connections !== published.connections || subscriptions !== published.subscriptions
    if (!isNew && Date.now() - publishedAt < repeatMs) return
    await channels.load().publish({ instance, connections, subscriptions })
    published = { connections, subscriptions }
    publishedAt = Date.now()
  })
  // If this fails, the page drops the instance after some seconds of silence.
  await channels
    .load()
    .publish({ instance, connections: 0, subscriptions: 0 })
    .catch(() => {})
}
