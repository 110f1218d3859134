import type { Printer } from '../output/printer.ts'
import { jsonLine, safeText } from '../output/text.ts'
import type { Check } from './check.ts'

/** Prints results as they come: those that are right in one line, the others with what to do. */
export function printCheck(print: Printer, check: Check): void {
  for (const line of print.json ? [jsonLine(check)] : linesOf(check)) print.line(line)
}

function linesOf({ check, status, what, why, change, docs }: Check): readonly string[] {
  const details = Object.entries({ why, change, see: docs })
  return [
    `${labels[status]}  ${safeText(`${check}: ${what}`)}`,
    ...details.flatMap(([name, text]) => (text ? [`         ${name}: ${safeText(text)}`] : [])),
  ]
}

/** Prints how many problems there are, and returns it. */
export function printSummary(print: Printer, checks: readonly Check[]): number {
  const count = (status: Check['status']): number =>
    checks.filter((check) => check.status === status).length
  const problems = count('problem')
  print.note(
    `${counted(problems, 'problem')}, ${counted(count('warning'), 'warning')}, ${count('ok')} ok, ${count('skipped')} not checked`,
  )
  return problems
}

const labels: Readonly<Record<Check['status'], string>> = {
  ok: 'ok     ',
  warning: 'WARNING',
  problem: 'PROBLEM',
  skipped: 'skipped',
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
