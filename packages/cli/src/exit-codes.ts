/** The exit codes of `trpc-sse`. */
export const exitCodes = {
  /** Done, with nothing found that is wrong. */
  ok: 0,
  /** What was asked for isn't there, was refused, or has a problem. */
  problem: 1,
  /** The command line is wrong. */
  usage: 2,
  /** Redis or the server can't be reached, or doesn't answer. */
  unreachable: 3,
  /** The command was interrupted before it was done. */
  interrupted: 130,
} as const

/** An error that ends a command with one line and an exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.problem) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Creates the error for a wrong command line. */
export function usageError(message: string): CliError {
  return new CliError(message, exitCodes.usage)
}

/** Creates the error for a Redis or a server that doesn't answer. */
export function unreachable(message: string): CliError {
  return new CliError(message, exitCodes.unreachable)
}
