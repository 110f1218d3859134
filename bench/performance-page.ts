import { appTable, costsOf, costTable } from './capacity-model.ts'
import { type Bar, drawChart, type Panel } from './chart.ts'
import { markdownOf, type Table, tableOf } from './report.ts'
import type { CaseResult, Results, ScenarioResult } from './run.ts'
import { scenarios } from './scenarios/index.ts'

/** A kept run: its results, and the machine that they are from. */
export interface KeptResults extends Results {
  readonly node: string
  readonly machine: string
  /** The runs of the same fan-out on other versions of Node, oldest first. */
  readonly onNodes?: readonly KeptResults[]
}

/**
 * Writes the figures of a run into a page. A comment `<!-- bench: … -->` names the figures that go
 * between it and `<!-- /bench -->`: `machine`, `costs`, `apps`, `hot-path <name>`,
 * `by-subscribers <rest of the title>` or `by-node <title>`. It may also name a scenario, and the
 * beginning of a title to select some of its tables.
 */
export function fillPage(page: string, results: KeptResults): string {
  return page.replace(
    /(<!-- bench: (\S+) ?(.*?) -->)[\s\S]*?(<!-- \/bench -->)/g,
    (_, begin: string, what: string, which: string, end: string) =>
      `${begin}\n\n${blockOf(what, which, results)}\n\n${end}`,
  )
}

/** Draws the most important figures. */
export function drawPage({ scenarios }: KeptResults): string {
  const panels: ReadonlyArray<Panel | undefined> = [
    panelOf(scenarios, 'fan-out', /^1,000 .* 1 event a tick, 130/, 'cpuUsPerDelivery', {
      title: 'CPU µs per delivery, 1,000 subscribers',
      digits: 1,
    }),
    panelOf(scenarios, 'idle', /./, 'rssKb', {
      title: 'Memory of an idle connection, KB',
      digits: 0,
    }),
    panelOf(scenarios, 'latency', /./, 'p50Ms', {
      title: 'One event to 1,000 clients, p50 ms',
      digits: 1,
    }),
    panelOf(scenarios, 'storm', /Redis$/, 'elapsedMs', {
      title: '1,000 clients reconnect over Redis, ms',
      digits: 0,
    }),
  ]
  return drawChart(
    'trpc-sse beside its peers: shorter is better',
    panels.filter((panel) => panel !== undefined),
  )
}

function blockOf(what: string, which: string, results: KeptResults): string {
  if (what === 'machine') return `Node ${results.node.slice(1)} on ${results.machine}.`
  if (what === 'costs') return markdownOf(costTable(costsOf(results)))
  if (what === 'apps') return markdownOf(appTable(costsOf(results)))
  if (what === 'hot-path') return hotPathOf(which, results)
  if (what === 'by-subscribers') return markdownOf(bySubscribers(which, results))
  if (what === 'by-node') return markdownOf(byNode(which, results.onNodes ?? []))
  const scenario = scenarios.find(({ name }) => name === what)
  const cases = results.scenarios.find(({ name }) => name === what)?.cases ?? []
  const wanted = cases.filter(({ title }) => title.startsWith(which))
  if (!scenario || wanted.length === 0)
    throw new Error(`These results have nothing for "${what} ${which}".`)
  const tables = wanted.map((one) => `${one.title}:\n\n${markdownOf(tableOf(scenario, one))}`)
  return tables.join('\n\n')
}

/**
 * CPU per delivery in the fan-out: a row for each target, a column for each number of subscribers.
 */
function bySubscribers(rest: string, results: KeptResults): Table {
  const all = results.scenarios.find(({ name }) => name === 'fan-out')?.cases ?? []
  const cases = all.filter(({ title }) => title.endsWith(`, ${rest}`))
  const names = cases[0]?.rows.map(({ name }) => name) ?? []
  if (names.length === 0)
    throw new Error(`These results have nothing for "by-subscribers ${rest}".`)
  const titles = cases.map(({ title }) => title.slice(0, -rest.length - 2))
  return [
    ['CPU µs/delivery', ...titles],
    ...names.map((name) => [name, ...cases.map((one) => cellOf(one, name))]),
  ]
}

/** CPU per delivery in one fan-out: a row for each Node version, with ours beside the others. */
function byNode(title: string, runs: readonly KeptResults[]): Table {
  const lines = runs.flatMap(({ node, scenarios }) => {
    const cases = scenarios.find(({ name }) => name === 'fan-out')?.cases ?? []
    const found = cases.find((one) => one.title === title)
    return found ? [[node.slice(1), ...nodeCells(found)]] : []
  })
  if (lines.length === 0) throw new Error(`These results have nothing for "by-node ${title}".`)
  return [
    ['Node', 'ours', 'ours, multiplexed', 'raw', 'stock', 'ours of raw', 'than stock'],
    ...lines,
  ]
}

function nodeCells({ rows }: CaseResult): string[] {
  const of = (name: string): number =>
    rows.find((row) => row.name === name)?.figures.cpuUsPerDelivery ?? Number.NaN
  const names = ['ours', 'ours, multiplexed', 'raw', 'stock']
  return [
    ...names.map((name) => costOf(of(name))),
    `${(of('ours') / of('raw')).toFixed(2)}×`,
    `${(of('stock') / of('ours')).toFixed(1)}× less`,
  ]
}

function costOf(value: number): string {
  if (Number.isNaN(value)) return 'failed'
  return value.toFixed(value < 10 ? 2 : 1)
}

function cellOf({ rows }: CaseResult, name: string): string {
  const of = (row: string): number | undefined =>
    rows.find((one) => one.name === row)?.figures.cpuUsPerDelivery
  const [value, stock] = [of(name), of('stock')]
  if (value === undefined) return 'failed'
  const text = costOf(value)
  return stock === undefined || name === 'stock'
    ? text
    : `${text} (${(stock / value).toFixed(1)}× less)`
}

function hotPathOf(which: string, { hotPaths }: KeptResults): string {
  const path = hotPaths.find(({ name }) => name === which)
  if (!path) throw new Error(`These results have no profile of "${which}".`)
  const lines = path.functions.map(({ name, share }) => [name, `${(share * 100).toFixed(1)} %`])
  return markdownOf([['function', 'self time'], ...lines])
}

function panelOf(
  all: readonly ScenarioResult[],
  scenario: string,
  title: RegExp,
  figure: string,
  shown: { readonly title: string; readonly digits: number },
): Panel | undefined {
  const cases = all.find(({ name }) => name === scenario)?.cases ?? []
  const bars = cases
    .find((one) => title.test(one.title))
    ?.rows.flatMap(({ name, figures }): Bar[] => {
      const value = figures[figure]
      return value === undefined ? [] : [{ name, value, label: labelOf(value, shown.digits) }]
    })
  return bars && bars.length > 0 ? { title: shown.title, bars } : undefined
}

function labelOf(value: number, digits: number): string {
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}
