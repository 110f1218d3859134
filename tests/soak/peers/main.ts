// `npm run soak -- --peers --minutes 3 --seed 1`: each peer in turn, for so long. `--peer` names one.
import { readFileSync } from 'node:fs'
import { soakPeer } from './compare.ts'
import type { Peer } from './peer.ts'
import { isPeerName, peers } from './peers.ts'
import { notesOf, tableOf } from './table.ts'

/** Runs every peer, or one, and prints the table. */
export async function soakPeers(minutes: number, seed: number, only?: string): Promise<void> {
  const names = Object.keys(peers)
    .filter(isPeerName)
    .filter((name) => only === undefined || name === only)
  if (names.length === 0)
    throw new Error(`There is no peer ${only}: ${Object.keys(peers).join(', ')}.`)
  const rows = []
  for (const name of names) {
    const peer = await peers[name]()
    const startedMs = Date.now()
    const onFault = (what: string): void =>
      console.log(`  ${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${what}`)
    console.log(`\n${name}: ${minutes} minutes, seed ${seed}`)
    const report = await soakPeer({ name, seed, durationMs: minutes * 60_000, onFault })
    console.table(report.clients)
    rows.push({ peer, versions: peer.packages.map(versionOf), report })
    console.log(tableOf(rows))
  }
  console.log(`\n${notesOf(rows)}`)
}

function versionOf(name: Peer['packages'][number]): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version.replace(
    /^v/,
    '',
  )
}
