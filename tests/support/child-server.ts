import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** A server in a separate process. */
export interface ChildServer extends AsyncDisposable {
  readonly port: number
  readonly child: ChildProcess
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts a module that sends `{ port }` once it listens. */
export async function startChildServer(
  module: URL,
  env: Record<string, string>,
): Promise<ChildServer> {
  const child = fork(module, { env: { ...process.env, ...env }, execArgv: [] })
  const exit = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`The server exited before it was ready: ${code ?? signal}.`)
  })
  // It also exits at the end.
  exit.catch(() => {})
  const [message] = await Promise.race([once(child, 'message'), exit])
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { port: (message as { port: number }).port, child, kill, [Symbol.asyncDispose]: kill }
}
