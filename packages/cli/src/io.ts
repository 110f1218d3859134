import type { Clock } from '@trpc-sse/server'

/** A place to write text to, such as `process.stdout`. */
export interface CliOutput {
  write(text: string): unknown
  /** The width of the terminal, in columns; `undefined` if it isn't one. */
  readonly columns?: number | undefined
}

/** Everything that a command gets from its process. */
export interface CliIo {
  /** Gets results. */
  readonly stdout: CliOutput
  /** Gets everything else: errors, notes and warnings. */
  readonly stderr: CliOutput
  /** The environment: `REDIS_URL` is the default of `--redis`. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder from which `--module` is resolved. */
  readonly cwd: string
  readonly clock: Clock
  /** Aborts when the command is interrupted. */
  readonly signal: AbortSignal
}
