import { setTimeout as sleep } from 'node:timers/promises'
import { startChildServer } from '../support/child-server.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { within } from '../support/within.ts'
import { type Room, rooms, soakChannels } from './app.ts'
import { causeFaults, faultsOfFleet, faultsOfPages } from './chaos.ts'
import { startFleet } from './fleet.ts'
import type { LoggedEvent, RoomTruth } from './history.ts'
import { Page, Publisher } from './people.ts'
import type { ProcessFigures } from './server.ts'
import type { SoakStore } from './stores/store.ts'
import { type StoreName, stores } from './stores/stores.ts'

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
  /** The resource use of the process that is never replaced: after a quarter, and at the end. */
  readonly early: ProcessFigures
  readonly late: ProcessFigures
}

const pages = 6

/** The longest time in which a publish must succeed once the store is well, in milliseconds. */
const publishMs = 60_000

/**
 * Runs a fleet, pages and publishers on a real store, while things fail. Rejects if a fault could
 * not be caused or repaired, or if a publish doesn't succeed when the store is well.
 */
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
  using people = startPeople(fleet.door.url, store)
  const { audience, publishers } = people
  const stop = new AbortController()
  const publishing = Promise.all(
    publishers.map((publisher, i) => publisher.run(stop.signal, seededRandom(seed + i), 40)),
  )
  const causes = { ...faultsOfPages(fleet, audience), ...faultsOfFleet(fleet), ...store.faults }
  const chance = seededRandom(seed)
  const [faults, early] = await Promise.all([
    causeFaults({ causes, chance, durationMs, onFault }),
    // By then, all pages and publishers have been at work for a while.
    sleep(durationMs / 4).then(() => fleet.figures()),
  ])
  stop.abort()
  const whatWaits = (): string => publishers.flatMap(({ waitsFor }) => waitsFor ?? []).join('; ')
  await within(publishMs, publishing, whatWaits)
  for (let index = 0; index < fleet.size; index++) fleet.stepClock(index, 0)
  await sleep(quietMs / 2)
  // After the last loss, each publisher has one more event that every handler must get.
  const last = Promise.all(publishers.map((publisher) => publisher.publishNext()))
  await within(publishMs, last, whatWaits)
  await sleep(quietMs / 2)
  const logs = store.mayForget ? await readLogs(store) : new Map<Room, LoggedEvent[]>()
  return report({ audience, publishers, logs, faults, early, late: await fleet.figures() })
}

/** Opens the pages, and creates the publishers. */
function startPeople(url: string, { mayForget }: SoakStore): People & Disposable {
  const truthOf = (room: Room): RoomTruth => ({
    mayForget,
    mayLose: mayForget || room === 'brief',
  })
  const audience = Array.from({ length: pages }, (_, i) => new Page(url, i, truthOf))
  const publishers = rooms.flatMap((room) =>
    ['a', 'b'].map((name) => new Publisher(url, `${name} of ${room}`, room)),
  )
  return {
    audience,
    publishers,
    [Symbol.dispose]() {
      for (const person of [...audience, ...publishers]) person.close()
    },
  }
}

interface People {
  readonly audience: readonly Page[]
  readonly publishers: readonly Publisher[]
}

function report({
  audience,
  publishers,
  logs,
  ...rest
}: {
  readonly logs: ReadonlyMap<Room, readonly LoggedEvent[]>
} & People &
  Pick<SoakReport, 'faults' | 'early' | 'late'>): SoakReport {
  const histories = audience.flatMap((page) =>
    page.followers.map(({ history, room }) => {
      const ofRoom = publishers.filter((publisher) => publisher.room === room)
      history.end(new Map(ofRoom.map(({ name, n }) => [name, n])), logs.get(room) ?? [])
      return history
    }),
  )
  const sum = (of: (history: (typeof histories)[number]) => number): number =>
    histories.reduce((all, history) => all + of(history), 0)
  return {
    ...rest,
    published: publishers.reduce((all, { n }) => all + n, 0),
    delivered: sum(({ counts }) => counts.events),
    gaps: sum(({ counts }) => counts.gaps),
    violations: [...histories.flatMap(({ violations }) => violations), ...growthOf(rest)],
  }
}

/** Describes what the process that is never replaced uses more of than before. */
function growthOf({ early, late }: Pick<SoakReport, 'early' | 'late'>): string[] {
  const grown: string[] = []
  if (late.heapBytes > early.heapBytes * 1.5)
    grown.push(`the heap grew from ${early.heapBytes} to ${late.heapBytes} bytes`)
  if (late.descriptors > early.descriptors + 20)
    grown.push(`file descriptors grew from ${early.descriptors} to ${late.descriptors}`)
  return grown
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
