import { parseArgs } from 'node:util'
import { startRedis } from '../support/redis.ts'
import { runSeeds, simulateOnly } from './batch.ts'
import { type Plan, planFor } from './plan.ts'
import { runPlanted } from './planting.ts'
import type { Plant } from './plants/plant.ts'
import { plants } from './plants/plants.ts'
import { compareWithRedis, describeComparison } from './redis/compare.ts'
import { describeBatch, describeFailure } from './report.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'

// npm run simulate -- --seeds 1000 --from 1      runs seeds; what fails is made as small as it gets
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
  },
})
const from = Number(values.from ?? 1)
const seeds = Number(values.seeds)

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
      ? await simulate(planFor(seed))
      : await simulateOnly(seed, new Set(keep.split(',').map(Number)))
  console.log(describeFailure(outcome))
  return outcome.violations.length > 0
}

async function runMany(): Promise<boolean> {
  const startMs = performance.now()
  const result = await runSeeds({ from, seeds, maxFailures: 3, repeatEvery: 25 })
  console.log(describeBatch(result, performance.now() - startMs))
  for (const failure of result.failures) console.log(`\n${describeFailure(await shrink(failure))}`)
  return result.failures.length > 0
}

/** Shows how many seeds each planted bug takes; one that is not found is a fault of the simulator. */
async function runPlants(names: readonly string[]): Promise<boolean> {
  const chosen = plants.filter(({ name }) => names.includes(name))
  let missed = 0
  for (const plant of chosen) {
    // Without a start, from the seed that found it the last time: a change may move it.
    const first = values.from === undefined ? plant.seed : from
    const store = storeOf(plant)
    const options = { from: first, seeds, maxFailures: 1, repeatEvery: Infinity, store }
    const { failures, seeds: count } = await runPlanted(plant, options)
    const [found] = failures
    if (!found) missed += 1
    const how = found ? `${found.violations[0]?.text}` : 'not found'
    const seed = String(first + count - 1).padStart(5)
    console.log(`${seed}  ${plant.name.padEnd(28)} ${how}`)
  }
  console.log(`${chosen.length - missed} of ${chosen.length} planted bugs were found`)
  return missed > 0
}

/** The store without which a bug does nothing. */
function storeOf({ file }: Plant): Plan['store'] | undefined {
  if (file.startsWith('redis/')) return 'redis'
  return file.startsWith('server/src/backend/memory') ? 'memory' : undefined
}

/** Compares the model of Redis with a real one; fails if they differ anywhere. */
async function compare(sequences: number): Promise<boolean> {
  await using server = await startRedis()
  const compared = await compareWithRedis(server, { from, sequences, forMs: Infinity })
  console.log(describeComparison(compared))
  return compared.differences.length > 0
}
