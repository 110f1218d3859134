import { isRealtimeError } from '@trpc-sse/server'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { CliError, exitCodes, usageError } from './exit-codes.ts'
import { commandHelp, programHelp } from './help.ts'
import type { CliIo } from './io.ts'
import { parseOptions } from './options.ts'
import { createPrinter } from './output/printer.ts'
import { cut, safeText, withoutPasswords } from './output/text.ts'

const common = {
  json: { help: 'print lines of JSON, for scripts' },
  help: { help: 'print this help' },
}

/**
 * Runs `trpc-sse` with arguments, and returns its exit code. Resolves soon after `io.signal` aborts.
 * Never rejects: errors are written to `io.stderr`.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await run(argv, io)
  } catch (error) {
    if (io.signal.aborted) return exitCodes.interrupted
    io.stderr.write(`trpc-sse: ${safeText(cut(withoutPasswords(messageOf(error)), 2_000))}\n`)
    return exitCodeOf(error)
  }
}

async function run([name, ...rest]: readonly string[], io: CliIo): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const output = name === undefined ? io.stderr : io.stdout
    output.write(programHelp(commands))
    return name === undefined ? exitCodes.usage : exitCodes.ok
  }
  const found = commands.find((command) => command.name === name)
  if (!found) throw usageError(`there is no command ${name}. trpc-sse --help lists the commands.`)
  const command = { ...found, options: { ...found.options, ...common } }
  const { args, options } = parseOptions(rest, command.options)
  if (options.flag('help')) {
    io.stdout.write(commandHelp(command))
    return exitCodes.ok
  }
  checkArgs(command, args)
  const print = createPrinter(io, options.flag('json'))
  return await untilInterrupted(found.run({ args, options, print, io }), io)
}

function checkArgs({ name, args, argCount }: Command, given: readonly string[]): void {
  const [least, most] = argCount
  if (given.length >= least && given.length <= most) return
  const what = given.length < least ? 'an argument is missing' : 'there are too many arguments'
  throw usageError(`${what}: trpc-sse ${name} ${args} [options]`)
}

/** How long an interrupted command may take to close its connections, in milliseconds. */
const closingMs = 1_000

/**
 * Rejects soon after an interruption, even if the work hangs. Commands that run until they are
 * interrupted resolve by themselves before that.
 */
function untilInterrupted<TResult>(
  work: Promise<TResult>,
  { signal, clock }: CliIo,
): Promise<TResult> {
  return new Promise((resolve, reject) => {
    let cancel = (): void => {}
    const give = (): void => {
      const stop = (): void => reject(new CliError('interrupted', exitCodes.interrupted))
      cancel = clock.after(closingMs, stop, { keepsAlive: true })
    }
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
    const settle = (): void => {
      cancel()
      signal.removeEventListener('abort', give)
    }
    work.then(resolve, reject).finally(settle)
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode
  if (isRealtimeError(error) && error.code === 'BACKEND_UNAVAILABLE') return exitCodes.unreachable
  return exitCodes.problem
}
