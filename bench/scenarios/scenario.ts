import type { Session } from '../session.ts'
import type { Sizes } from '../sizes.ts'
import type { TargetName } from '../targets/target.ts'

/** The scenarios; each has its own file in this folder. */
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
  'runs',
  'profile',
] as const

/** The name of a scenario. */
export type ScenarioName = (typeof scenarioNames)[number]

/** The measured figures, by the names of the scenario's columns. */
export type Figures = Readonly<Record<string, number>>

/** One figure of a table. */
export interface Column {
  readonly name: string
  /** Its title, with the unit. */
  readonly title: string
  /** Digits after the decimal point. */
  readonly digits: number
}

/** A column that compares a figure with the same figure of another row. */
export interface Ratio {
  /** The figure. */
  readonly of: string
  readonly title: string
  /** The name of the row to compare a row with, if there is one. */
  to(row: string): string | undefined
  /** `less`: the other row's figure divided by this one. `of`: this one divided by the other. */
  readonly kind: 'less' | 'of'
}

/** A row of a table: a target with certain settings. */
export interface Row {
  readonly name: string
  readonly target: TargetName
  /** Measures it, in fresh processes. */
  measure(session: Session): Promise<Figures>
}

/** A table: rows that are measured in turn. */
export interface Case {
  /** Describes the settings that all rows share; unique within the scenario. */
  readonly title: string
  /** Connections that are open at a time; a process needs as many open files. */
  readonly connections: number
  readonly rows: readonly Row[]
}

/** A question to measure. */
export interface Scenario {
  readonly name: ScenarioName
  readonly title: string
  /** Describes the measurement and its figures. */
  readonly about: string
  readonly columns: readonly Column[]
  readonly ratios: readonly Ratio[]
  /** The most rounds, for scenarios in which a round takes minutes. */
  readonly maxRounds?: number
  cases(sizes: Sizes): readonly Case[]
}

/** Stock tRPC's figure divided by the row's. */
export function thanStock(of: string): Ratio {
  return {
    of,
    title: 'than stock',
    to: (row) => (row === 'stock' ? undefined : 'stock'),
    kind: 'less',
  }
}

/** The row's figure divided by that of plain `node:http`. */
export function ofRaw(of: string): Ratio {
  return { of, title: 'of raw', to: (row) => (row === 'raw' ? undefined : 'raw'), kind: 'of' }
}
