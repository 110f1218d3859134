import { setTimeout as sleep } from 'node:timers/promises'
import { startChildServer } from '../support/child-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type Room, rooms, soakChannels } from './app.ts'
import { type Fleet, startFleet } from './fleet.ts'
import type { LoggedEvent, RoomTruth } from './history.ts'
import { Page, Publisher } from './people.ts'
import type { ProcessFigures } from './server.ts'
import { type SoakStore, type StoreName, stores } from './stores.ts'

/** Options of {@link soak}. */
export interface SoakOptions {
  readonly store: StoreName
  readonly seed: number
  readonly durationMs: number
  /** The time without faults at the end, so that everything arrives. */
  readonly quietMs?: number
  /** Called with each fault as it happens. */
  readonly onFault?: (what: string) => void
}

/** The result of a soak. */
export interface SoakReport {
  readonly published: number
  readonly delivered: number
  readonly gaps: number
  /** The number of times that each fault happened. */
  readonly faults: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  /** The resource use of the process that is never replaced: early, and at the end. */
  readonly early: ProcessFigures
  readonly late: ProcessFigures
}

const pages = 6

/** Runs a fleet, pages and publishers on a real store, while things fail. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { seed, durationMs, quietMs = 15_000, onFault = () => {} } = options
  await using store = await stores[options.store]()
  const settings = { SOAK_STORE: JSON.stringify(store.address), NODE_OPTIONS: '--expose-gc' }
  await using fleet = await startFleet({
    size: 3,
    // The memory of the first one must stay flat.
    permanent: 1,
    start: () => startChildServer(new URL('./server.ts', import.meta.url), settings),
  })
  const chance = seededRandom(seed)
  const truthOf = (room: Room): RoomTruth => {
    const { mayForget } = store
    return { mayForget, mayLose: mayForget || room === 'brief' }
  }
  const audience = Array.from({ length: pages }, (_, i) => new Page(fleet.door.url, i, truthOf))
  const publishers = rooms.flatMap((room) =>
    ['a', 'b'].map((name) => new Publisher(fleet.door.url, `${name} of ${room}`, room)),
  )
  const stop = new AbortController()
  const publishing = Promise.all(
    publishers.map((publisher, i) => publisher.run(stop.signal, seededRandom(seed + i), 40)),
  )
  await sleep(Math.min(5_000, durationMs / 5))
  const early = await fleet.figures()
  const faults = new Map<string, number>()
  const causes = { ...ofClients(fleet, audience), ...ofFleet(fleet), ...store.faults }
  const untilMs = Date.now() + durationMs
  const happening = new Set<Promise<void>>()
  while (Date.now() < untilMs) {
    const [what, cause] = pick(Object.entries(causes), chance)
    faults.set(what, (faults.get(what) ?? 0) + 1)
    onFault(what)
    // One of two faults at once may prevent the other: for example, a server that is down can't be
    // emptied.
    const one = cause(chance)
      .catch(() => {})
      .finally(() => happening.delete(one))
    happening.add(one)
    // At most two at a time, because the store must work for some of the time.
    if (happening.size >= 2) await Promise.race(happening)
    await sleep(chance() * 3_000)
  }
  await Promise.all(happening)
  stop.abort()
  await publishing
  for (let index = 0; index < fleet.size; index++) fleet.stepClock(index, 0)
  await sleep(quietMs / 2)
  // After the last loss, each publisher has one more event that every handler must get.
  await Promise.all(publishers.map((publisher) => publisher.publishNext()))
  await sleep(quietMs / 2)
  const logs = store.mayForget ? await readLogs(store) : new Map<Room, LoggedEvent[]>()
  return report({ audience, publishers, logs, faults, early, late: await fleet.figures() })
}

function report({
  audience,
  publishers,
  logs,
  ...rest
}: {
  readonly logs: ReadonlyMap<Room, readonly LoggedEvent[]>
  readonly audience: readonly Page[]
  readonly publishers: readonly Publisher[]
} & Pick<SoakReport, 'faults' | 'early' | 'late'>): SoakReport {
  const histories = audience.flatMap((page) =>
    page.followers.map(({ history, room }) => {
      const ofRoom = publishers.filter((publisher) => publisher.room === room)
      history.end(new Map(ofRoom.map(({ name, n }) => [name, n])), logs.get(room) ?? [])
      return history
    }),
  )
  for (const page of audience) page.close()
  const sum = (of: (history: (typeof histories)[number]) => number): number =>
    histories.reduce((all, history) => all + of(history), 0)
  return {
    ...rest,
    published: publishers.reduce((all, { n }) => all + n, 0),
    delivered: sum(({ counts }) => counts.events),
    gaps: sum(({ counts }) => counts.gaps),
    violations: histories.flatMap(({ violations }) => violations),
  }
}

/** Reads the logs of the rooms with long retention. */
async function readLogs({ address }: SoakStore): Promise<Map<Room, LoggedEvent[]>> {
  const channels = soakChannels(address)
  const logs = new Map<Room, LoggedEvent[]>()
  for (const room of rooms) {
    if (room === 'brief') continue
    const log: LoggedEvent[] = []
    for (let after = '0-0'; ; ) {
      const { events } = await channels.long({ room }).history({ after, limit: 10_000 })
      const last = events.at(-1)
      if (!last) break
      log.push(...events)
      after = last.id
    }
    logs.set(room, log)
  }
  await channels.close()
  return logs
}

type Faults = SoakStore['faults']

function ofClients({ door }: Fleet, audience: readonly Page[]): Faults {
  return {
    async 'all sockets are cut'() {
      door.cut()
    },
    async 'a page reloads'(chance) {
      pick(audience, chance).reload()
    },
  }
}

function ofFleet(fleet: Fleet): Faults {
  const any = (chance: () => number): number => Math.floor(chance() * fleet.size)
  return {
    'an instance is killed': (chance) => fleet.crash(any(chance), chance() * 2_000),
    'an instance is deployed': (chance) => fleet.deploy(any(chance)),
    'an instance is frozen': (chance) => fleet.freeze(any(chance), 200 + chance() * 6_000),
    async 'a clock steps'(chance) {
      fleet.stepClock(any(chance), Math.floor((chance() - 0.5) * 120_000))
    },
  }
}

function pick<T>(from: readonly T[], chance: () => number): T {
  const one = from[Math.floor(chance() * from.length)]
  if (one === undefined) throw new Error('There is nothing to pick from.')
  return one
}
