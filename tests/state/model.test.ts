import { once } from 'node:events'
import type { Backend } from '@trpc-sse/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startChildServer } from '../support/child-server.ts'
import { startRedis } from '../support/redis.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { type App, backendOf, createApp } from './app.ts'
import { type Model, recordModel, textOf } from './model.ts'
import { type CutReader, readWithCuts } from './reader.ts'
import { counters, type Work, work } from './work.ts'

const operations = 10_000
const processes = 3
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** Three processes that change one map, and the readers in this process. */
interface Stage {
  readonly backend: Backend
  /** Apps in this process. In the last one, readers that are behind get only the newest values. */
  readonly apps: readonly [App, App]
  work(process: number, operations: number): Promise<Work>
}

const stages: Record<string, () => Promise<Stage>> = {
  async memory() {
    const backend = backendOf(undefined)
    const app = createApp(backend)
    const conflated = createApp(backend, true)
    onTestFinished(() => app.close())
    return { backend, apps: [app, conflated], work: (i, count) => work(app, seed + i, count) }
  },
  async redis() {
    const redis = await startRedis()
    onTestFinished(() => redis[Symbol.asyncDispose]())
    const module = new URL('./worker.ts', import.meta.url)
    const workers = await Promise.all(
      Array.from({ length: processes }, () => startChildServer(module, { REDIS_URL: redis.url })),
    )
    for (const worker of workers) onTestFinished(() => worker.kill())
    const backend = backendOf(redis.url)
    const apps = [createApp(backend), createApp(backendOf(redis.url), true)] as const
    for (const app of apps) onTestFinished(() => app.close())
    return {
      backend,
      apps,
      async work(i, count) {
        const child = workers[i]?.child
        if (!child) throw new Error('There is no such process.')
        child.send({ seed: seed + i, operations: count })
        const [done] = await once(child, 'message')
        return done as Work
      },
    }
  },
}

describe.each(Object.entries(stages))('a map on %s', (_, setStage) => {
  it(`equals its model for every reader, whatever happens (seed ${seed})`, async () => {
    console.info(`SEED=${seed}`)
    const { backend, apps, work } = await setStage()
    const model = await recordModel(backend)
    const readers = startReaders(apps)
    const done = await Promise.all(
      Array.from({ length: processes }, (_, i) => work(i, Math.ceil(operations / processes))),
    )
    await expect
      .poll(async () => untimedKeys(model, done), { timeout: 15_000, interval: 100 })
      .toEqual([])
    const last = model.events.at(-1)?.id ?? ''
    const finals = await Promise.all(readers.map((reader) => reader.reached(last)))
    for (const reader of readers) reader.stop()

    checkChanges(model, done)
    const { lastEventId, entries } = await apps[0].map().entries()
    expect(lastEventId).toBe(last)
    const map = new Map(entries)
    expect(new Set([...finals, textOf(map)])).toEqual(new Set(model.statesAt([last]).values()))
    const counted = counters.reduce((sum, key) => sum + (map.get(key) ?? 0), 0)
    expect(counted).toBe(done.reduce((sum, each) => sum + each.counted, 0))
    checkReaders(model, readers)
    await model.stop()
  })
})

function startReaders(apps: readonly App[]): readonly CutReader[] {
  return apps.flatMap((app, i) =>
    Array.from({ length: 4 }, (_, j) =>
      readWithCuts(app, seededRandom(seed + 10 * i + j), i === 0),
    ),
  )
}

/** Returns the keys of entries that were set with an expiry, and still exist. */
function untimedKeys({ events }: Model, done: readonly Work[]): readonly string[] {
  const timed = new Set<string>()
  for (const { id, data } of events) {
    const { type, key } = JSON.parse(data)
    if (type === 'set' && changeOf(done, id)?.forMs !== undefined) timed.add(key)
    else timed.delete(key)
  }
  return [...timed]
}

const changeOf = (done: readonly Work[], id: string) =>
  done.map(({ changes }) => changes[id]).find((change) => change !== undefined)

/** The time of an entry starts with the script that sets it, which stores the event a little later. */
const slackMs = 500

/** Checks that each event is a change that a process has made, or an expiry that isn't early. */
function checkChanges({ events }: Model, done: readonly Work[]): void {
  const dueAt = new Map<string, number>()
  let expired = 0
  for (const { id, data } of events) {
    const change = changeOf(done, id)
    const { key } = JSON.parse(data)
    if (change) expect(data).toBe(change.text)
    else {
      expired += 1
      expect(data).toBe(JSON.stringify({ type: 'removed', key }))
      expect(timeOf(id)).toBeGreaterThanOrEqual(dueAt.get(key) ?? Number.POSITIVE_INFINITY)
    }
    dueAt.delete(key)
    if (change?.forMs !== undefined) dueAt.set(key, timeOf(id) + change.forMs - slackMs)
  }
  expect(expired).toBeGreaterThan(50)
  expect(done.reduce((sum, { changes }) => sum + Object.keys(changes).length, 0) + expired).toBe(
    events.length,
  )
}

const timeOf = (id: string): number => Number(id.slice(0, id.indexOf('-')))

/** Checks that each state that a reader had at an id was the map's state at that id. */
function checkReaders(model: Model, readers: readonly CutReader[]): void {
  const states = model.statesAt(readers.flatMap(({ seen }) => seen.map(([id]) => id)))
  const wrong = readers.flatMap(({ seen }) =>
    seen.filter(([id, state]) => states.get(id) !== state),
  )
  expect(wrong).toEqual([])
  for (const { snapshots, cuts } of readers) {
    expect(snapshots).toBeGreaterThan(1)
    expect(cuts).toBeGreaterThan(1)
  }
}
