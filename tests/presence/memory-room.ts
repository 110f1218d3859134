import {
  type Backend,
  channel,
  createChannels,
  memoryBackend,
  type StateEvent,
} from '@trpc-sse/server'
import { z } from 'zod'
import { manualClock } from '../support/manual-clock.ts'
import { inTime, settled } from '../support/runs.ts'

const graceMs = 5_000

/** Creates the channels of an instance. In real time, members leave soon. */
export function createApp(backend: Backend, clock?: ReturnType<typeof manualClock>) {
  return createChannels({
    backend,
    ...(clock && { clock }),
    channels: {
      room: channel({
        params: z.string(),
        event: z.string(),
        presence: { member: z.string(), graceMs: clock ? graceMs : 50 },
      }),
    },
    onError() {},
  })
}

/** Creates instances on one backend, which counts its changes and may lose any of them. */
export function setup({ instances = 1 } = {}) {
  const clock = manualClock()
  let draws = 0
  // Each draw is different, as the ids of instances are.
  const chance = { ...clock, random: () => (draws = (draws + 0.377) % 1) }
  const backend = memoryBackend({ clock })
  const counts = { changes: 0 }
  const apps = Array.from({ length: instances }, () => {
    const state = { isAway: false }
    const check = (): void => {
      if (state.isAway) throw new Error('away')
    }
    const { presence } = createApp(
      {
        ...backend,
        async change(...args) {
          check()
          counts.changes += 1
          return (await backend.change?.(...args)) as never
        },
        async entries(...args) {
          check()
          return (await backend.entries?.(...args)) as never
        },
        close: async () => {},
      },
      chance,
    ).room('a')
    return { presence, state }
  })
  type App = (typeof apps)[number]
  const [first = apps[0] as never, second = apps[0] as never] = apps

  /** Holds a member until the returned function is called. */
  async function hold({ presence }: App, key: string, value = key): Promise<() => void> {
    const over = new AbortController()
    await inTime(clock, presence.hold({ signal: over.signal }, { key, value }))
    return () => over.abort()
  }
  async function members(): Promise<readonly string[]> {
    return (await first.presence.entries()).entries.map(([key]) => key).sort()
  }
  /** Lets seconds pass, one after the other. */
  async function pass(seconds: number): Promise<void> {
    for (let i = 0; i < 10 * seconds; i++) {
      clock.advance(100)
      await settled()
    }
  }
  return { clock, counts, first, second, hold, members, pass }
}

type Presence = ReturnType<typeof setup>['first']['presence']

/** What a client knows of a room. */
interface View {
  lastEventId: string | undefined
  readonly members: Map<string, string>
}

/** Reads a room as a client does, which may resume what it knows. */
export function watch(presence: Presence, known?: View) {
  const over = new AbortController()
  const events: StateEvent<string>[] = []
  const view: View = { lastEventId: known?.lastEventId, members: new Map(known?.members) }
  void (async () => {
    const { lastEventId } = view
    const from = lastEventId === undefined ? {} : { lastEventId }
    for await (const [id, item] of presence.live({ signal: over.signal, ...from })) {
      view.lastEventId = id
      if (item.type !== 'snapshot' && item.type !== 'event') continue
      events.push(item)
      apply(view.members, item)
    }
  })()
  const changes = (): unknown[] =>
    events.flatMap((item) => (item.type === 'event' ? item.data : []))
  return { view, changes, stop: () => over.abort() }
}

function apply(members: Map<string, string>, item: StateEvent<string>): void {
  if (item.type === 'snapshot') {
    members.clear()
    for (const { key, value } of item.data) members.set(key, value)
  } else if (item.data.type === 'set') members.set(item.data.key, item.data.value)
  else members.delete(item.data.key)
}
