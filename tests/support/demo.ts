import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** The demo app, in a separate process. */
export interface Demo extends AsyncDisposable {
  /** The printed address. */
  readonly url: string
  readonly process: ChildProcess
  /** Asks the demo to end. Resolves to its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Options of {@link startDemo}. */
export interface DemoOptions {
  /** A free one by default. */
  readonly port?: number
  readonly redisUrl?: string
}

/** Starts the demo as `npm run demo` does. */
export async function startDemo({ port = 0, redisUrl }: DemoOptions = {}): Promise<Demo> {
  const demo = spawn(join(root, 'node_modules/node/bin/node'), ['src/server/main.ts'], {
    cwd: join(root, 'apps/demo'),
    env: { ...process.env, NODE_ENV: '', PORT: `${port}`, REDIS_URL: redisUrl ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A test that dies must not leave its server behind.
  const kill = (): void => void demo.kill('SIGKILL')
  process.once('exit', kill)
  demo.once('exit', () => process.off('exit', kill))

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (demo.exitCode === null && demo.signalCode === null) {
      demo.kill(signal)
      await once(demo, 'exit')
    }
    return demo.exitCode
  }
  return {
    url: await printedUrl(demo),
    process: demo,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

function printedUrl(demo: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    demo.once('error', reject)
    demo.once('exit', () => reject(new Error(`The demo ended:\n${output}`)))
    demo.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      const [url] = /http:\/\/localhost:\d+/.exec(output) ?? []
      if (url !== undefined) resolve(url)
    })
  })
}
