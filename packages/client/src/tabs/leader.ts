import type { Codec } from '../set/observer.ts'
import type { SetOptions } from '../set/set.ts'
import type { TabsEnvironment } from './environment.ts'
import type { TabsTools } from './tools.ts'
import { createFollowerSession, type FollowerSession } from './follower-session.ts'

/** What a host serves guests with. */
export interface LeaderOptions {
  readonly environment: TabsEnvironment
  readonly tools: TabsTools
  /** Of the tab that it lives in: its requests are made as that tab's. */
  readonly settings: SetOptions
  readonly codec: Codec
  /** Names it among all hosts that there ever are. */
  readonly id: string
}

/** Has the stream for all tabs of a group, its own included. */
export interface Leader {
  /** Serves a guest, by the name of its stream; if that is served already, says so. */
  open(name: string, body: string): void
  /** Whether it serves anybody. */
  isServing(): boolean
  /** Resigns. */
  close(): void
}

/** Creates a host without a guest. It has a stream while its guests want something. */
export function createLeader({ settings, id, ...options }: LeaderOptions): Leader {
  const sessions = new Map<string, FollowerSession>()
  let isKnown = false
  const set = options.tools.createSet({
    ...settings,
    positions: { load: () => undefined, save() {} },
    // The guests' own sets linger. And where this page is hidden, another one may not be.
    lingerMs: 0,
    hiddenTimeoutMs: Infinity,
    onUnknown() {},
    onKnown() {},
    async fetch(url, init) {
      const response = await settings.fetch(url, init)
      if (response.ok) known()
      return response
    },
  })

  /** The server knows this mode: before that, guests may have to be told to do without. */
  function known(): void {
    isKnown = true
    for (const session of sessions.values()) session.open()
  }

  return {
    open(name, body) {
      const there = sessions.get(name)
      if (there) return there.greet()
      const onOver = (): void => void sessions.delete(name)
      const session = createFollowerSession({
        ...options,
        clock: settings.clock,
        set,
        host: id,
        name,
        onOver,
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
