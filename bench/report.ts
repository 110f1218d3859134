import type { CaseResult, RowResult } from './run.ts'
import type { Column, Ratio, Scenario } from './scenarios/scenario.ts'

/** A table as text: a line of titles, then a line for each row. */
export type Table = readonly (readonly string[])[]

/** Writes the measurements of a case as a table. Columns without figures are left out. */
export function tableOf({ columns, ratios }: Scenario, { rows }: CaseResult): Table {
  const shown = columns.filter(({ name }) =>
    rows.some(({ figures }) => figures[name] !== undefined),
  )
  const compared = ratios.filter((ratio) => rows.some((row) => ratioOf(ratio, row, rows) !== ''))
  const titles = ['', ...shown.map(({ title }) => title), ...compared.map(({ title }) => title)]
  const lines = rows.map((row) => [
    row.name,
    ...shown.map((column) => figureOf(column, row)),
    ...compared.map((ratio) => ratioOf(ratio, row, rows)),
  ])
  return [titles, ...lines]
}

/** Writes a table in Markdown with aligned columns, and figures to the right. */
export function markdownOf(table: Table): string {
  const [titles = []] = table
  const widths = titles.map((_, column) =>
    Math.max(3, ...table.map((line) => line[column]?.length ?? 0)),
  )
  const numeric = titles.map((_, column) =>
    table.slice(1).every((line) => isFigure(line[column] ?? '')),
  )
  const lineOf = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    )
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, i) =>
    numeric[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  )
  const [head, ...lines] = table.map(lineOf)
  return [head, lineOf(rule), ...lines].join('\n')
}

function isFigure(cell: string): boolean {
  return /^($|failed$|\d[^a-z]*( %|× less| µs| KB| \(.*\))?$)/.test(cell)
}

function figureOf({ name, digits }: Column, { figures, failures }: RowResult): string {
  const value = figures[name]
  if (value !== undefined) {
    return value.toLocaleString('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    })
  }
  return failures ? 'failed' : ''
}

function ratioOf(ratio: Ratio, row: RowResult, rows: readonly RowResult[]): string {
  const here = row.figures[ratio.of]
  const there = rows.find(({ name }) => name === ratio.to(row.name))?.figures[ratio.of]
  if (here === undefined || there === undefined) return ''
  const [value, unit] = ratio.kind === 'less' ? [there / here, '× less'] : [here / there, '×']
  return `${value.toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}${unit}`
}
