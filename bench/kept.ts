import { readFileSync } from 'node:fs'
import type { KeptResults } from './performance-page.ts'

const docs = `${import.meta.dirname}/../docs`

/** The pages that figures are written into. */
export const pageFiles: readonly string[] = [`${docs}/performance.md`, `${docs}/capacity.md`]

/** The chart on the first of them. */
export const chartFile: string = `${docs}/performance.svg`

/** The run that the documentation tells of. */
export function readKept(): KeptResults {
  return JSON.parse(readFileSync(`${import.meta.dirname}/results/reference-node24.json`, 'utf8'))
}
