import { runCli } from '@trpc-sse/cli'
import { type Clock, systemClock } from '@trpc-sse/server'
import { createInbox, type Inbox } from './inbox.ts'

/** A running command of `trpc-sse`, in this process. */
export interface CliRun {
  /** The lines of its output. */
  readonly lines: Inbox<string>
  /** The lines of its errors and notes. */
  readonly notes: Inbox<string>
  /** Resolves to the exit code. */
  readonly exited: Promise<number>
  /** Does what Ctrl-C does. */
  interrupt(): void
}

/** The result of a command that has ended. */
export interface CliResult {
  readonly code: number
  readonly lines: readonly string[]
  readonly notes: readonly string[]
}

/** Options of {@link startCli}. */
export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly clock?: Clock
}

/** Starts a command. */
export function startCli(
  args: readonly string[],
  { env = {}, cwd = process.cwd(), clock = systemClock }: CliOptions = {},
): CliRun {
  const lines = createInbox<string>()
  const notes = createInbox<string>()
  const interruption = new AbortController()
  const exited = runCli(args, {
    stdout: lineWriter(lines),
    stderr: lineWriter(notes),
    env,
    cwd,
    clock,
    signal: interruption.signal,
  })
  return { lines, notes, exited, interrupt: () => interruption.abort() }
}

/** Runs a command to its end. */
export async function cli(args: readonly string[], options?: CliOptions): Promise<CliResult> {
  const { exited, lines, notes } = startCli(args, options)
  return { code: await exited, lines: lines.items, notes: notes.items }
}

function lineWriter(inbox: Inbox<string>): { write(text: string): void } {
  let rest = ''
  return {
    write(text) {
      const parts = (rest + text).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) inbox.put(line)
    },
  }
}
