import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createInbox, type Inbox } from './inbox.ts'
import { root } from './pages.ts'
import { type Program, startProgram } from './program.ts'

/** A command that runs as in a terminal. */
export interface Command extends Program {
  /** The lines that it writes. */
  readonly lines: Inbox<string>
  /** Types a line. */
  type(line: string): void
  /** Asks all of its processes to end, as a process manager does, and waits for that. */
  stop(): Promise<void>
}

/** The folder of an example. */
export function exampleFolder(name: string): string {
  return join(root, 'examples', name)
}

/** Runs `npm run <script>` in a folder. */
export function runScript(
  folder: string,
  [script, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Command {
  return runCommand(folder, ['npm', 'run', '--silent', script, '--', ...args], env)
}

/** Runs a command in a folder. */
export function runCommand(
  folder: string,
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Command {
  const program = startProgram(command, args, {
    cwd: folder,
    env: { ...process.env, NODE_ENV: '', FORCE_COLOR: '0', ...env },
    readsErrors: true,
    hasInput: true,
  })
  const { child } = program
  const lines = createInbox<string>()
  for (const input of [child.stdout, child.stderr]) {
    if (input) createInterface({ input }).on('line', lines.put)
  }
  return {
    ...program,
    lines,
    type: (line) => void child.stdin?.write(`${line}\n`),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
      // npm passes a signal only to its shell, so send it to the whole group.
      process.kill(-child.pid, 'SIGTERM')
      // npm may exit first. The output closes when the last process has exited.
      await once(child, 'close')
    },
  }
}
