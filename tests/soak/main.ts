// `npm run soak -- --minutes 30 --seed 1 --store durable`: without a store, each gets its share.
// `npm run soak -- --peers --minutes 3 --seed 1`: other libraries, each for so long.
import { parseArgs } from 'node:util'
import { soakPeers } from './peers/main.ts'
import { soak } from './soak.ts'
import { type StoreName, stores } from './stores/stores.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: `${Date.now() % 100_000}` },
    store: { type: 'string' },
    peers: { type: 'boolean', default: false },
    peer: { type: 'string' },
  },
})
// So that nothing that was started is left.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (values.peers || values.peer !== undefined) await soakPeers(minutes, seed, values.peer)
else process.exitCode = (await soakStores(values.store)) > 0 ? 1 : 0
// Clients of other libraries may still wait for something.
process.exit(process.exitCode)

/** Runs every store, or one, and returns how many promises were broken. */
async function soakStores(only: string | undefined): Promise<number> {
  const all = Object.keys(stores) as StoreName[]
  const names = only === undefined ? all : all.filter((name) => name === only)
  if (names.length === 0) throw new Error(`There is no store ${only}: ${all.join(', ')}.`)
  let failed = 0
  for (const store of names) failed += await soakStore(store, (minutes * 60_000) / names.length)
  return failed
}

async function soakStore(store: StoreName, durationMs: number): Promise<number> {
  console.log(`\n${store}: ${(durationMs / 60_000).toFixed(1)} minutes, seed ${seed}`)
  const startedMs = Date.now()
  const onFault = (what: string): void =>
    console.log(`  ${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${what}`)
  const report = await soak({ store, seed, durationMs, onFault }).catch((error: unknown) => {
    console.log(`  FAILED ${String(error)}`, error instanceof Error ? (error.cause ?? '') : '')
  })
  if (!report) return 1
  const { published, delivered, gaps, faults, violations, early, late } = report
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1)
  console.log(`
  ${published} events published, ${delivered} delivered, ${gaps} gaps, ${violations.length} violations
  heap ${megabytes(early.heapBytes)} → ${megabytes(late.heapBytes)} MB, descriptors ${early.descriptors} → ${late.descriptors}
  faults: ${[...faults].map(([what, count]) => `${what} ${count}`).join(', ')}`)
  for (const violation of violations.slice(0, 3)) console.log(`  VIOLATION ${violation}`)
  return violations.length
}
