import { parseArgs } from 'node:util'
import { usageError } from './exit-codes.ts'

/** An option of a command. */
export interface OptionSpec {
  /** What stands for its value in the help; `undefined` for a flag. */
  readonly value?: string
  readonly help: string
  /** Whether it can be given several times. */
  readonly multiple?: boolean
}

/** The options of a command, by name. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** The limits of a number. */
export interface NumberLimits {
  readonly least: number
  readonly most: number
}

/** The options that were given. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** Returns a whole number; `undefined` if it isn't given. */
  number(name: string, { least, most }: NumberLimits): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw usageError(`--${name} must be a whole number from ${least} to ${most}.`)
  }
}

/** Parses the arguments of a command. Throws a usage error for what the command doesn't know. */
export function parseOptions(
  argv: readonly string[],
  specs: OptionSpecs,
): { readonly args: readonly string[]; readonly options: Options } {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, { value, multiple = false }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    return { args: positionals, options: new Options(values) }
  } catch (error) {
    // The first sentence says what is wrong. The others are about this parser.
    const message = error instanceof Error ? error.message : String(error)
    throw usageError(`${message.split(/\. |\n/)[0]?.replace(/\.$/, '')}.`)
  }
}
