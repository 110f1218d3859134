import type { CliIo } from '../io.ts'
import { formatTable } from './table.ts'
import { jsonLine, safeText, withoutPasswords } from './text.ts'

/** Writes the results and notes of a command. Everything foreign is made safe for a terminal. */
export interface Printer {
  /** Whether results are lines of JSON. */
  readonly json: boolean
  /** Writes one line of a result: `text` for people, or `value` as JSON. */
  result(value: unknown, text: string): void
  /** Writes a line that is safe already. */
  line(text: string): void
  /** Writes rows: a table with these headings for people, or each value as a line of JSON. */
  table(headings: readonly string[], rows: readonly TableRow[]): void
  /** Writes a note for people. It isn't part of the result. */
  note(text: string): void
}

/** A row of a table, and the value that it shows. */
export interface TableRow {
  readonly cells: readonly string[]
  readonly value: unknown
}

/** Creates a printer. */
export function createPrinter({ stdout, stderr }: CliIo, json: boolean): Printer {
  const line = (text: string): void => void stdout.write(`${text}\n`)
  return {
    json,
    line,
    result: (value, text) => line(json ? jsonLine(value) : safeText(text)),
    table(headings, rows) {
      const safe = rows.map(({ cells }) => cells.map(safeText))
      const table = rows.length === 0 ? [] : formatTable([headings, ...safe])
      for (const text of json ? rows.map(({ value }) => jsonLine(value)) : table) line(text)
    },
    note: (text) => void stderr.write(`${safeText(withoutPasswords(text))}\n`),
  }
}
