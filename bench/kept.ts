import { readdirSync, readFileSync } from 'node:fs'
import type { KeptResults } from './performance-page.ts'

const docs = `${import.meta.dirname}/../docs`

/** The pages that contain figures. */
export const pageFiles: readonly string[] = [`${docs}/performance.md`, `${docs}/capacity.md`]

/** The chart on the first of them. */
export const chartFile: string = `${docs}/performance.svg`

const results = `${import.meta.dirname}/results`

/**
 * The runs that the documentation shows: one of everything, and one of the fan-out on each version
 * of Node.
 */
export function readKept(): KeptResults {
  const onNodes = readdirSync(`${results}/nodes`)
    .sort()
    .map((file) => readResults(`nodes/${file}`))
  return { ...readResults('reference-node24.json'), onNodes }
}

function readResults(file: string): KeptResults {
  return JSON.parse(readFileSync(`${results}/${file}`, 'utf8'))
}
