import type { Codec } from '../set/member.ts'
import { SubscriptionSet } from '../set/set.ts'
import type { SetOptions } from '../set/set-options.ts'
import { FailureMemory } from '../stream/failures.ts'
import { backOffOf } from '../stream/retry-policy.ts'
import type { TabsEnvironment } from './environment.ts'
import { FollowerSession } from './follower-session.ts'

/** The options of a leader. */
export interface LeaderOptions {
  readonly environment: TabsEnvironment
  /** The settings of its own tab, with which requests are made. */
  readonly settings: SetOptions
  readonly codec: Codec
  /** A name that is unique among all leaders. */
  readonly id: string
}

/** Holds the stream for all tabs of a group, including its own tab. */
export interface Leader {
  /** Serves the follower whose stream has this name. If it is already served, confirms that. */
  open(name: string, body: string): void
  /** Whether it serves any follower. */
  isServing(): boolean
  /** Resigns. */
  close(): void
}

/** Creates a leader without followers. It has a stream while its followers have subscriptions. */
export function createLeader({ settings, id, ...options }: LeaderOptions): Leader {
  const sessions = new Map<string, FollowerSession>()
  let isKnown = false
  const set = new SubscriptionSet({
    ...settings,
    positions: { load: () => undefined, save() {} },
    // The sets of followers linger themselves. And while this page is hidden, another may be
    // visible.
    lingerMs: 0,
    hiddenTimeoutMs: Infinity,
    onUnknown() {},
    onKnown() {},
    isSingle: false,
    failures: new FailureMemory(settings.clock, backOffOf(settings.retry), true),
    async fetch(url, init) {
      const response = await settings.fetch(url, init)
      if (response.ok) known()
      return response
    },
  })

  /** The server knows multiplexed mode. Until then, followers may have to use single mode. */
  function known(): void {
    isKnown = true
    for (const session of sessions.values()) session.open()
  }

  return {
    open(name, body) {
      const existing = sessions.get(name)
      if (existing) return existing.greet()
      const session = new FollowerSession({
        ...options,
        clock: settings.clock,
        set,
        leader: id,
        name,
        onOver: () => void sessions.delete(name),
      })
      sessions.set(name, session)
      session.greet()
      session.apply(body)
      if (isKnown) session.open()
    },
    isServing: () => sessions.size > 0,
    close() {
      for (const session of [...sessions.values()]) session.close()
    },
  }
}
