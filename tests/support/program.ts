import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A running program. */
export interface Program extends AsyncDisposable {
  readonly child: ChildProcess
  /** Waits until its output has something in it; fails if it ends before that. */
  says(what: RegExp): Promise<string>
  /** Kills it, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts a program that does not outlive this process. */
export function startProgram(
  binary: string,
  args: readonly string[],
  env: SpawnOptions['env'] = process.env,
): Program {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  // A test that dies must not leave its programs behind.
  const die = (): void => void child.kill('SIGKILL')
  process.once('exit', die)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-10_000)
  })
  const gone = new Promise<Error>((resolve) => {
    child.once('error', resolve)
    child.once('exit', () => resolve(new Error(`${binary} ended:\n${output}`)))
  })
  void gone.then(() => process.off('exit', die))
  async function kill(): Promise<void> {
    child.kill('SIGKILL')
    await gone
  }
  return {
    child,
    async says(what) {
      for (;;) {
        const [said] = what.exec(output) ?? []
        if (said !== undefined) return said
        const error = await Promise.race([gone, once(child.stdout, 'data')])
        if (error instanceof Error) throw error
      }
    },
    kill,
    [Symbol.asyncDispose]: kill,
  }
}
