import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'

/** A running program. */
export interface Program extends AsyncDisposable {
  readonly child: ChildProcess
  /** Waits until its output matches. Fails if the program ends before that. */
  says(what: RegExp): Promise<string>
  /** Kills the program, and waits until it is gone. */
  kill(): Promise<void>
}

/** Options of {@link startProgram}. */
export interface ProgramOptions extends Pick<SpawnOptions, 'env' | 'cwd' | 'uid' | 'gid'> {
  /** Whether to read its error output, too. Otherwise, that is shown. */
  readonly readsErrors?: boolean
  /** Whether it has an input, `child.stdin`. Otherwise, its input is empty. */
  readonly hasInput?: boolean
}

/** Starts a program that does not outlive this process. */
export function startProgram(
  binary: string,
  args: readonly string[],
  { readsErrors = false, hasInput = false, ...options }: ProgramOptions = {},
): Program {
  // Use a separate group, because some programs are started by a script that doesn't pass on
  // signals.
  const stdio = [hasInput ? 'pipe' : 'ignore', 'pipe', readsErrors ? 'pipe' : 'inherit'] as const
  const child = spawn(binary, args, { ...options, stdio: [...stdio], detached: true })
  // A test that dies must not leave its programs behind.
  const die = (): void => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  }
  process.once('exit', die)
  const heard = new EventEmitter()
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000)
      heard.emit('data')
    })
  }
  const gone = new Promise<Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', () => resolve(new Error(`${binary} ended:\n${output}`)))
  })
  void gone.then(() => process.off('exit', die))
  async function kill(): Promise<void> {
    die()
    await gone
  }
  return {
    child,
    async says(what) {
      for (;;) {
        const [said] = what.exec(output) ?? []
        if (said !== undefined) return said
        const error = await Promise.race([gone, once(heard, 'data')])
        if (error instanceof Error) throw error
      }
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
