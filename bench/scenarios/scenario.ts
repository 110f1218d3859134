import type { Session } from '../session.ts'
import type { Sizes } from '../sizes.ts'
import type { TargetName } from '../targets/target.ts'

/** What can be measured: one file each in this folder. */
export const scenarioNames = [
  'fan-out',
  'multiplexed',
  'latency',
  'idle',
  'generators',
  'redis',
  'storm',
  'slow-readers',
  'channels',
  'publish',
  'profile',
] as const

/** One of them. */
export type ScenarioName = (typeof scenarioNames)[number]

/** What was measured, by the names of the scenario's columns. */
export type Figures = Readonly<Record<string, number>>

/** One figure of a table. */
export interface Column {
  readonly name: string
  /** Its title, with the unit. */
  readonly title: string
  /** Digits behind the point. */
  readonly digits: number
}

/** A column that compares a figure with the same figure of another row. */
export interface Ratio {
  /** The figure. */
  readonly of: string
  readonly title: string
  /** The name of the row to compare a row with, if there is one for it. */
  to(row: string): string | undefined
  /** `less`: how many times less than there. `of`: its share of what it is there. */
  readonly kind: 'less' | 'of'
}

/** A line of a table: a target in some setting. */
export interface Row {
  readonly name: string
  readonly target: TargetName
  /** Measures it, in fresh processes. */
  measure(session: Session): Promise<Figures>
}

/** A table: rows that are measured in turn. */
export interface Case {
  /** What all rows have in common; unique in the scenario. */
  readonly title: string
  /** Connections that are open at a time: a process needs as many files. */
  readonly connections: number
  readonly rows: readonly Row[]
}

/** A question to measure. */
export interface Scenario {
  readonly name: ScenarioName
  readonly title: string
  /** What is done, and what the figures are. */
  readonly about: string
  readonly columns: readonly Column[]
  readonly ratios: readonly Ratio[]
  /** Rounds at most, where one takes minutes. */
  readonly maxRounds?: number
  cases(sizes: Sizes): readonly Case[]
}

/** How many times less than stock tRPC. */
export function thanStock(of: string): Ratio {
  return {
    of,
    title: 'than stock',
    to: (row) => (row === 'stock' ? undefined : 'stock'),
    kind: 'less',
  }
}

/** The share of what it is with `node:http` and nothing else. */
export function ofRaw(of: string): Ratio {
  return { of, title: 'of raw', to: (row) => (row === 'raw' ? undefined : 'raw'), kind: 'of' }
}
