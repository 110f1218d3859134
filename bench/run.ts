import type { HotPath } from './hot-paths.ts'
import { profileHotPaths } from './hot-paths.ts'
import type { BenchOptions } from './options.ts'
import { scenarios } from './scenarios/index.ts'
import type { Case, Figures, Row, Scenario } from './scenarios/scenario.ts'
import type { Session } from './session.ts'
import { medians } from './stats.ts'
import type { TargetName } from './targets/target.ts'

/** All measurements of a run. */
export interface Results {
  readonly scenarios: readonly ScenarioResult[]
  readonly hotPaths: readonly HotPath[]
}

/** The measurements of one scenario. */
export interface ScenarioResult {
  readonly name: string
  readonly cases: readonly CaseResult[]
}

/** A table. */
export interface CaseResult {
  readonly title: string
  readonly rows: readonly RowResult[]
}

/** A line of a table. */
export interface RowResult {
  readonly name: string
  readonly target: TargetName
  /** The median of each figure over the rounds. */
  readonly figures: Figures
  /** The figures of each round. */
  readonly rounds: readonly Figures[]
  /** The reasons why rounds are missing: the server broke, or didn't deliver. */
  readonly failures?: readonly string[]
}

/** Called with each step as it starts. */
export type OnProgress = (what: string) => void

/** The scenarios, cases and rows that the options select. */
export function plan({
  scenarios: names,
  targets,
  sizes,
}: BenchOptions): ReadonlyArray<readonly [Scenario, readonly Case[]]> {
  return scenarios
    .filter(({ name }) => names.includes(name))
    .map((scenario) => {
      const cases = scenario.cases(sizes).map((one) => ({
        ...one,
        rows: one.rows.filter(({ target }) => targets.includes(target)),
      }))
      return [scenario, cases.filter(({ rows }) => rows.length > 0)] as const
    })
}

/** Measures everything that the options select. */
export async function runBench(
  options: BenchOptions,
  session: Session,
  onProgress: OnProgress,
): Promise<Results> {
  const results: ScenarioResult[] = []
  for (const [scenario, cases] of plan(options)) {
    results.push({
      name: scenario.name,
      cases: await measureCases(scenario, cases, session, onProgress),
    })
  }
  const profiles = options.scenarios.includes('profile') && options.targets.includes('ours')
  if (profiles) onProgress('profile of the hot paths')
  return { scenarios: results, hotPaths: profiles ? await profileHotPaths(session) : [] }
}

interface Samples {
  readonly figures: Figures[]
  readonly failures: string[]
}

/**
 * Measures all rows in turn, round after round, so that other work of the machine affects all of
 * them alike.
 */
async function measureCases(
  { name, maxRounds = Infinity }: Scenario,
  cases: readonly Case[],
  session: Session,
  onProgress: OnProgress,
): Promise<readonly CaseResult[]> {
  const samples = new Map<Row, Samples>()
  const rounds = Math.min(session.sizes.rounds, maxRounds)
  for (let round = 0; round < rounds; round++) {
    for (const { title, rows } of cases) {
      for (const row of inTurn(rows, round)) {
        onProgress(`${name}, round ${round + 1} of ${rounds}: ${title}: ${row.name}`)
        const of = samples.get(row) ?? { figures: [], failures: [] }
        samples.set(row, of)
        await measureRow(row, session, of)
      }
    }
  }
  return cases.map(({ title, rows }) => ({
    title,
    rows: rows.map((row) => resultOf(row, samples.get(row))),
  }))
}

/** A server that breaks under load is also a result: the others are still measured. */
async function measureRow(
  row: Row,
  session: Session,
  { figures, failures }: Samples,
): Promise<void> {
  try {
    figures.push(await row.measure(session))
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
  }
}

/** Each round starts with another row. */
function inTurn(rows: readonly Row[], round: number): readonly Row[] {
  const first = round % rows.length
  return [...rows.slice(first), ...rows.slice(0, first)]
}

function resultOf({ name, target }: Row, of: Samples | undefined): RowResult {
  const { figures = [], failures = [] } = of ?? {}
  const result = { name, target, figures: medians(figures), rounds: figures }
  return failures.length === 0 ? result : { ...result, failures }
}
