import type { AnyTRPCRouter } from '@trpc/server'
import { expect, it } from 'vitest'
import { type Followed, follow, untypedClient } from '../../../../tests/support/follow.ts'
import { type ManualClock, manualClock } from '../../../../tests/support/manual-clock.ts'
import {
  type Dice,
  type ModelEvent,
  type ModelServer,
  modelServer,
} from '../../../../tests/support/model-server.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { sseLink } from '../index.ts'

const paths = ['x', 'y', 'z', 'x+y'] as const
const steps = 150

/**
 * A subscription of the app, and the events that it must receive: everything after `after`, in each
 * log.
 */
interface Watched extends Followed {
  readonly path: string
  readonly after: ReadonlyMap<string, number> | undefined
  /** The sizes of its logs when `onStarted` was called. */
  startedAt: ReadonlyMap<string, number> | undefined
  isOver: boolean
}

function simulate(seed: number) {
  const random = seededRandom(seed)
  const dice: Dice = (below) => Math.floor(random() * below)
  const clock: ManualClock = { ...manualClock(), random }
  const server = modelServer(clock, dice)
  const link = sseLink<AnyTRPCRouter>({ url: 'http://model', clock, fetch: server.fetch })
  const client = untypedClient(link)
  const watched: Watched[] = []

  function subscribe(): void {
    const path = paths[dice(paths.length)] ?? 'x'
    const logs = path.split('+')
    const after =
      dice(2) === 0 ? undefined : new Map(logs.map((log) => [log, dice(server.size(log) + 1)]))
    const lastEventId = after && [...after].map(([log, n]) => `${log}=${n}`).join(',')
    const onStarted = (): void => {
      one.startedAt ??= new Map(logs.map((log) => [log, server.size(log)]))
    }
    const followed = follow(client, path, lastEventId && { lastEventId }, { onStarted })
    const one: Watched = { ...followed, path, after, startedAt: undefined, isOver: false }
    watched.push(one)
  }

  function unsubscribe(): void {
    const active = watched.filter(({ isOver }) => !isOver)
    const one = active[dice(active.length || 1)]
    if (!one) return
    one.isOver = true
    one.unsubscribe()
  }

  function act(): void {
    const what = dice(20)
    if (what < 10) server.publish('xyz'.charAt(dice(3)))
    else if (what < 13) subscribe()
    else if (what < 15) unsubscribe()
    else if (what < 17) server.disturb()
    else clock.advance(dice(dice(10) === 0 ? 10_000 : 400))
  }

  return { clock, server, watched, dice, act }
}

/** Waits until all work that needs no timer is done. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function eventsOf({ news }: Followed): ModelEvent[] {
  return news
    .filter(([what]) => what === 'data')
    .map(([, detail]) => (detail as { readonly data: ModelEvent }).data)
}

/** Whether it has received all of its logs to the end. */
function isDone(one: Watched, server: ModelServer): boolean {
  if (one.isOver) return true
  return one.path.split('+').every((log) => {
    const last = eventsOf(one)
      .filter((event) => event.log === log)
      .at(-1)
    const from = one.after?.get(log) ?? one.startedAt?.get(log)
    return from !== undefined && (last?.n ?? from) >= server.size(log)
  })
}

/**
 * Checks each log: one contiguous run from the expected start, and to the end unless it was
 * stopped.
 */
function check(one: Watched, server: ModelServer): void {
  for (const log of one.path.split('+')) {
    const numbers = eventsOf(one)
      .filter((event) => event.log === log)
      .map(({ n }) => n)
    const [first = server.size(log) + 1] = numbers
    expect(numbers).toEqual(numbers.map((_, index) => first + index))
    const after = one.after?.get(log)
    if (numbers.length === 0 && one.isOver) continue
    if (after !== undefined) expect(first).toBe(after + 1)
    else expect(first).toBeLessThanOrEqual((one.startedAt?.get(log) ?? 0) + 1)
    if (!one.isOver && numbers.length > 0) expect(numbers.at(-1)).toBe(server.size(log))
  }
  expect(one.news.filter(([what]) => what === 'error')).toEqual([])
}

async function run(seed: number): Promise<void> {
  const { clock, server, watched, dice, act } = simulate(seed)
  for (let step = 0; step < steps; step++) {
    act()
    if (dice(2) === 0) await settle()
  }
  server.isBad = false
  for (let i = 0; i < 5_000 && !watched.every((one) => isDone(one, server)); i++) {
    await settle()
    const [nextMs] = clock.timers()
    if (nextMs !== undefined) clock.advance(nextMs)
  }
  for (const one of watched) check(one, server)
  expect(watched.every((one) => isDone(one, server))).toBe(true)
  expect(server.faults).toEqual([])
  expect(server.most()).toBeLessThanOrEqual(2)
  for (const one of watched) one.unsubscribe()
  for (let i = 0; i < 50; i++) {
    await settle()
    clock.advance(1_000)
  }
  expect(server.open()).toBe(0)
}

const seeds = Array.from({ length: 300 }, (_, index) => index + 1)

it.each([0, 1, 2])(
  'P61: P62: every subscription gets exactly its run, on two streams at most, whatever is lost, late or twice (%i)',
  async (third) => {
    for (const seed of seeds.filter((one) => one % 3 === third)) {
      try {
        await run(seed)
      } catch (cause) {
        throw new Error(`Seed ${seed}: ${cause}`, { cause })
      }
    }
  },
)
