// `npm run soak -- --minutes 30 --seed 1 --store durable`: without a store, each gets its share.
import { parseArgs } from 'node:util'
import { soak } from './soak.ts'
import { type StoreName, stores } from './stores.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: `${Date.now() % 100_000}` },
    store: { type: 'string' },
  },
})
const all = Object.keys(stores) as StoreName[]
const names = values.store === undefined ? all : all.filter((name) => name === values.store)
if (names.length === 0) throw new Error(`There is no store ${values.store}: ${all.join(', ')}.`)
const seed = Number(values.seed)
const durationMs = (Number(values.minutes) * 60_000) / names.length
let failed = 0

for (const store of names) {
  console.log(`\n${store}: ${(durationMs / 60_000).toFixed(1)} minutes, seed ${seed}`)
  const startedMs = Date.now()
  const onFault = (what: string): void =>
    console.log(`  ${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${what}`)
  const report = await soak({ store, seed, durationMs, onFault })
  const { published, delivered, gaps, faults, violations, early, late } = report
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  console.log(`
  ${published} events published, ${delivered} delivered, ${gaps} gaps, ${violations.length} violations
  heap ${megabytes(early.heapBytes)} → ${megabytes(late.heapBytes)} MB, descriptors ${early.descriptors} → ${late.descriptors}
  faults: ${[...faults].map(([what, count]) => `${what} ${count}`).join(', ')}`)
  for (const violation of violations.slice(0, 3)) console.log(`  VIOLATION ${violation}`)
  failed += violations.length
}
process.exitCode = failed > 0 ? 1 : 0
