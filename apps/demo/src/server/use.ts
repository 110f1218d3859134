import type { ConnectionInfo } from '@trpc-sse/server'
import { channels } from './channels.ts'
import { repeat } from './repeat.ts'

const checkMs = 500
/** Entries expire after a minute, so that a crashed instance is forgotten. */
const renewMs = 20_000

interface Use {
  readonly connections: number
  readonly subscriptions: number
}

/** Publishes what each user has on this instance: on each change, and every 20 seconds. */
export async function publishUse(
  instance: number,
  connections: () => readonly ConnectionInfo[],
  signal: AbortSignal,
): Promise<void> {
  const published = new Map<string, Use & { readonly at: number }>()
  const key = `${instance}`
  await repeat(checkMs, signal, async () => {
    const used = useByUser(connections())
    const at = Date.now()
    for (const [user, use] of used) {
      const before = published.get(user)
      if (before && isEqual(before, use) && at - before.at < renewMs) continue
      await channels.use({ user }).set(key, use)
      published.set(user, { ...use, at })
    }
    for (const user of published.keys()) {
      if (used.has(user)) continue
      await channels.use({ user }).delete(key)
      published.delete(user)
    }
  })
}

function useByUser(connections: readonly ConnectionInfo[]): Map<string, Use> {
  const used = new Map<string, Use>()
  for (const { key, subscriptions } of connections) {
    if (key === undefined) continue
    const before = used.get(key) ?? { connections: 0, subscriptions: 0 }
    used.set(key, {
      connections: before.connections + 1,
      subscriptions: before.subscriptions + subscriptions,
    })
  }
  return used
}

function isEqual(one: Use, other: Use): boolean {
  return one.connections === other.connections && one.subscriptions === other.subscriptions
}
