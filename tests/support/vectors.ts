import { readFileSync } from 'node:fs'

/** Reads one of the protocol's example files. */
export function readVectors<TVectors>(
  name: 'encode' | 'decode' | 'event-ids' | 'single',
): TVectors {
  const file = new URL(`../../packages/protocol/vectors/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as TVectors
}
