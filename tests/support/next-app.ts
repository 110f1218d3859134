import { join } from 'node:path'
import { startProgram } from './program.ts'
import { freePort } from './redis.ts'

const root = join(import.meta.dirname, '../..')
const app = join(root, 'apps/next')
const node = join(root, 'node_modules/node/bin/node')
const next = join(app, 'node_modules/next/dist/bin/next')

/** The Next.js app as it is deployed, in a process of its own. */
export interface NextApp extends AsyncDisposable {
  readonly url: string
}

/** Builds the app with `next build`. */
export async function buildNextApp(): Promise<void> {
  const build = run(['build'], {})
  const code = await new Promise<number | null>((resolve) => build.child.once('exit', resolve))
  if (code !== 0) throw new Error(`next build ended with ${code}.`)
}

/** Starts what was built, with `next start`. Its streams last for so many milliseconds at most. */
export async function startNextApp(sseMaxDurationMs: number): Promise<NextApp> {
  const port = await freePort()
  const program = run(['start', '--port', `${port}`, '--hostname', '127.0.0.1'], {
    SSE_MAX_DURATION_MS: `${sseMaxDurationMs}`,
  })
  await program.says(/Ready in/)
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() }
}

function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  return startProgram(node, [next, ...args], {
    cwd: app,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', ...env },
  })
}
