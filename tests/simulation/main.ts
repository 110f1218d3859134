import { parseArgs } from 'node:util'
import { startRedis } from '../support/redis.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { runSeed, simulateOnly, sumOf, type Totals } from './batch.ts'
import type { Plan } from './plan.ts'
import type { Plant } from './plants/plant.ts'
import { plants } from './plants/plants.ts'
import { compareWithCluster } from './redis/cluster/compare-cluster.ts'
import { compareWithRedis, describeComparison } from './redis/compare.ts'
import { describeBatch, describeFailure } from './report.ts'
import { shrink } from './shrink.ts'
import { type Done, runTasks, type Task } from './tasks.ts'

// npm run simulate -- --seeds 1000 --from 1      runs seeds; what fails is made as small as it gets
// npm run simulate -- --seeds 1000 --workers 1   runs them in one process; two is usual
// npm run simulate -- --seeds 1000 --store cluster   runs only those that have this store
// npm run simulate -- --seed 42 --keep 3,7       runs one again, with these steps only
// npm run simulate -- --compare 1000             compares the model of Redis with a real one
// npm run simulate -- --planted                  puts each planted bug in, and looks for it
// npm run simulate -- --planted --from 1         finds the first seed that finds each of them
// npm run simulate -- --plant merge-passes-its-head,hub-takes-any-hint

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string' },
    seed: { type: 'string' },
    keep: { type: 'string' },
    planted: { type: 'boolean', default: false },
    plant: { type: 'string' },
    compare: { type: 'string' },
    store: { type: 'string' },
    workers: { type: 'string', default: '2' },
  },
})
const from = Number(values.from ?? 1)
const seeds = Number(values.seeds)
const workers = Number(values.workers)
/** How many seeds a process runs before it tells what became of them. */
const seedsOfTask = 50
/** Each of so many seeds is run twice. */
const repeatEvery = 25
const mostFailures = 6
const storeNames: ReadonlyArray<Plan['store']> = ['memory', 'redis', 'cluster']

const hasFailed = await run()
// Crashed instances leave waits behind that would keep this process alive.
process.exit(hasFailed ? 1 : 0)

function run(): Promise<boolean> {
  if (values.seed !== undefined) return runOne(Number(values.seed), values.keep)
  if (values.compare !== undefined) return compare(Number(values.compare))
  if (values.plant !== undefined) return runPlants(values.plant.split(','))
  return values.planted ? runPlants(plants.map(({ name }) => name)) : runMany()
}

async function runOne(seed: number, keep: string | undefined): Promise<boolean> {
  const outcome =
    keep === undefined
      ? await runSeed(seed, repeatEvery)
      : await simulateOnly(seed, new Set(keep.split(',').map(Number)))
  console.log(describeFailure(outcome))
  return outcome.violations.length > 0
}

async function runMany(): Promise<boolean> {
  const startMs = performance.now()
  const tasks = Array.from({ length: Math.ceil(seeds / seedsOfTask) }, (_, i): Task => {
    const first = i * seedsOfTask
    const count = Math.min(seedsOfTask, seeds - first)
    const store = storeNames.find((name) => name === values.store)
    return { from: from + first, seeds: count, maxFailures: mostFailures, repeatEvery, store }
  })
  let totals: Totals | undefined
  let cpuMs = 0
  const failed: Array<Done['failed'][number]> = []
  await runTasks(tasks, workers, (done) => {
    totals = totals ? sumOf(totals, done.totals) : done.totals
    failed.push(...done.failed)
    cpuMs += done.cpuMs
    return failed.length < mostFailures
  })
  const elapsedMs = performance.now() - startMs
  if (totals) console.log(describeBatch(totals, failed.length, { elapsedMs, cpuMs }))
  // The same seed fails in the same way here.
  for (const { seed } of failed.slice(0, mostFailures))
    console.log(`\n${describeFailure(await shrink(await runSeed(seed, repeatEvery)))}`)
  return failed.length > 0
}

/** Shows how many seeds each planted bug takes; one that is not found is a fault of the simulator. */
async function runPlants(names: readonly string[]): Promise<boolean> {
  const chosen = plants.filter(({ name }) => names.includes(name))
  const tasks = chosen.map((plant) => ({
    plant: plant.name,
    // Without a start, from the seed that found it the last time: a change may move it.
    from: values.from === undefined ? plant.seed : from,
    seeds,
    maxFailures: 1,
    repeatEvery: Infinity,
    store: storeOf(plant),
  }))
  let missed = 0
  await runTasks(tasks, workers, ({ failed: [found], totals }, { plant = '', from: first }) => {
    if (!found) missed += 1
    const last = String(found?.seed ?? first + totals.seeds - 1).padStart(5)
    console.log(`${last}  ${plant.padEnd(28)} ${found?.text ?? 'not found'}`)
    return true
  })
  console.log(`${chosen.length - missed} of ${chosen.length} planted bugs were found`)
  return missed > 0
}

/** The store without which a bug does nothing. */
function storeOf({ file, store }: Plant): Plan['store'] | undefined {
  if (store !== undefined) return store
  if (file.startsWith('redis/')) return 'redis'
  return file.startsWith('server/src/backend/memory') ? 'memory' : undefined
}

/** Compares the models of Redis and of a Cluster with real ones; fails if they differ anywhere. */
async function compare(sequences: number): Promise<boolean> {
  await using server = await startRedis()
  await using cluster = await startRedisCluster()
  const options = { from, sequences, forMs: Infinity }
  const single = await compareWithRedis(server, options)
  console.log(`one Redis: ${describeComparison(single)}`)
  const many = await compareWithCluster(cluster, options)
  console.log(`a Cluster: ${describeComparison(many)}`)
  return single.differences.length + many.differences.length > 0
}
