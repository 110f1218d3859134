#!/usr/bin/env node
import { systemClock } from '@trpc-sse/server'
import { exitCodes } from './exit-codes.ts'
import { guardConsole } from './output/console.ts'
import { runCli } from './run-cli.ts'

const interruption = new AbortController()
const interrupt = (): void => {
  // Whoever presses Ctrl-C twice doesn't want to wait.
  if (interruption.signal.aborted) process.exit(exitCodes.interrupted)
  interruption.abort()
}
process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
// The reader of a pipe has read enough, as in `trpc-sse tail … | head`.
process.stdout.on('error', () => process.exit(exitCodes.ok))
process.stderr.on('error', () => {})
guardConsole(console, process.stderr)

const code = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  signal: interruption.signal,
})
// Modules of an app may leave connections open. The callback comes when all output is written.
process.stdout.write('', () => process.exit(code))
