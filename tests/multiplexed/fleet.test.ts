import { once } from 'node:events'
import { setInterval } from 'node:timers/promises'
import type { ServerLinkStats } from '@trpc-sse/server'
import { describe, expect, it, vi } from 'vitest'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { openDoor } from '../support/door.ts'
import { startRedis } from '../support/redis.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { logChannels } from './router.ts'
import { checkRun, createRunner, type Published, type Run } from './runs.ts'
import { unreliableFetch } from './unreliable.ts'

const server = new URL('./server.ts', import.meta.url)
const seconds = Number(process.env.MULTIPLEXED_SECONDS ?? 3)
const stepMs = 10
const steps = (seconds * 1_000) / stepMs
const names = Array.from({ length: 12 }, (_, i) => `log-${i}`)

async function stats({ child }: ChildServer): Promise<ServerLinkStats> {
  child.send('stats')
  const [answer] = await once(child, 'message')
  return answer
}

/** Two instances over one Redis, behind a door, and two publishers of numbers. */
async function setup() {
  const stack = new AsyncDisposableStack()
  const redis = stack.use(await startRedis())
  const start = async (): Promise<ChildServer> =>
    stack.use(await startChildServer(server, { REDIS_URL: redis.url }))
  const instances = await Promise.all([start(), start()])
  const door = stack.use(await openDoor(instances.map(({ port }) => port)))
  const channels = logChannels(redis.url)
  stack.defer(() => channels.close())
  const published: Published = new Map()
  return {
    door,
    instances,
    published,
    async publish(name: string): Promise<void> {
      const n = (published.get(name) ?? 0) + 1
      published.set(name, n)
      await channels.log({ name }).publish(n)
    },
    history: async (name: string): Promise<number[]> =>
      (await channels.log({ name }).history({ last: 10_000 })).events.map(({ data }) => data),
    /** Kills an instance, and replaces it by another one. */
    async replace(index: number): Promise<void> {
      const other = instances[1 - index]
      if (other) door.setPorts([other.port])
      await instances[index]?.kill()
      instances[index] = await start()
      door.setPorts(instances.map(({ port }) => port))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/**
 * Adds and removes subscriptions at random while events flow, sockets are cut and an instance is
 * replaced.
 */
async function churn(seed: number, withFaults: boolean) {
  await using s = await setup()
  const random = seededRandom(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const unreliable = unreliableFetch(random)
  const runner = createRunner(s.published, {
    url: s.door.url,
    lingerMs: 20,
    connectTimeoutMs: 1_000,
    ...(withFaults && { fetch: unreliable.fetch }),
  })
  const live = new Set<Run>()
  const publishing = new Map<string, Promise<void>>()
  let replaced: Promise<void> | undefined
  let step = 0
  for await (const _ of setInterval(stepMs)) {
    if (++step > steps) break
    if (random() < 0.2 && live.size < 30) live.add(runner.start(pick(names)))
    if (random() < 0.15 && live.size > 3) {
      const run = pick([...live])
      run.unsubscribe()
      live.delete(run)
    }
    // Publish one event of a log at a time, so that each log is in order.
    for (const name of names) {
      if (random() < 0.5) {
        publishing.set(
          name,
          (publishing.get(name) ?? Promise.resolve()).then(() => s.publish(name)),
        )
      }
    }
    if (random() < 0.01) s.door.cut()
    if (step === Math.floor(steps / 2)) replaced = s.replace(Math.floor(random() * 2))
  }
  await replaced
  unreliable.heal()
  await Promise.all(publishing.values())
  await runner.allStarted(live)
  await Promise.all(names.map(s.publish))
  await runner.caughtUp(live)

  const histories = new Map(
    await Promise.all(names.map(async (name) => [name, await s.history(name)] as const)),
  )
  for (const run of runner.runs) checkRun(run, histories.get(run.name) ?? [])
  expect(runner.gaps).toEqual([])
  const delivered = runner.runs.reduce((sum, { numbers }) => sum + numbers.length, 0)
  console.log(
    `seed ${seed}: ${runner.runs.length} subscriptions, ${delivered} events, ${s.door.taken} sockets`,
    withFaults ? unreliable.done : '',
  )
  for (const run of live) run.unsubscribe()
  // Nothing is left behind on any instance.
  await vi.waitFor(async () => {
    for (const instance of s.instances) {
      expect(await stats(instance)).toMatchObject({ connections: 0, subscriptions: 0 })
    }
  }, 5_000)
}

describe('subscriptions that come and go on two instances behind one door, one of them killed and replaced', () => {
  it.each([1, 2, 3])(
    'each get exactly their run (seed %i)',
    (seed) => churn(seed, false),
    60_000 + seconds * 2_000,
  )

  it.each([11, 12, 13])(
    'the same with control requests that are lost, late, repeated and out of order (seed %i)',
    (seed) => churn(seed, true),
    60_000 + seconds * 2_000,
  )
})
