import { runSeeds } from './batch.ts'
import { runPlanted } from './planting.ts'
import { plants } from './plants/plants.ts'
import type { Done, Task } from './tasks.ts'

// A process that runs tasks, one after the other. Its parent ends it.
process.on('message', (task: Task) => {
  run(task).then(
    (done) => process.send?.(done),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run(task: Task): Promise<Done> {
  const plant = plants.find(({ name }) => name === task.plant)
  const before = process.cpuUsage()
  const { totals, failures } = plant ? await runPlanted(plant, task) : await runSeeds(task)
  const failed = failures.map(({ plan, violations }) => ({
    seed: plan.seed,
    text: violations[0]?.text ?? '',
  }))
  const { user, system } = process.cpuUsage(before)
  return { totals, failed, cpuMs: (user + system) / 1_000 }
}
