import type { CliIo } from './io.ts'
import type { OptionSpecs, Options } from './options.ts'
import type { Printer } from './output/printer.ts'

/** A command of `trpc-sse`. */
export interface Command {
  readonly name: string
  /** The arguments after the name, for the help. */
  readonly args: string
  /** The least and the greatest number of arguments. */
  readonly argCount: readonly [least: number, most: number]
  readonly summary: string
  /** Further lines of the help. */
  readonly details?: readonly string[]
  readonly options: OptionSpecs
  /** Runs it, and returns the exit code. */
  run(call: CommandCall): Promise<number>
}

/** One call of a command. */
export interface CommandCall {
  readonly args: readonly string[]
  readonly options: Options
  readonly print: Printer
  readonly io: CliIo
}
