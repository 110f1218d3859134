import { once } from 'node:events'
import { join } from 'node:path'
import { type Command, runScript } from './command.ts'
import { root } from './pages.ts'
import { freePort } from './redis.ts'

/** The Next.js app as it is deployed, in a separate process. */
export interface NextApp extends AsyncDisposable {
  readonly url: string
}

/** Builds the app. */
export async function buildNextApp(): Promise<void> {
  const build = run(['build'], {})
  const [code] = await once(build.child, 'exit')
  if (code !== 0) throw new Error(`next build ended with ${code}:\n${build.lines.items.join('\n')}`)
}

/** Starts the built app. Its streams last at most `sseMaxDurationMs`. */
export async function startNextApp(sseMaxDurationMs: number): Promise<NextApp> {
  const port = await freePort()
  const program = run(['start', '--port', `${port}`, '--hostname', '127.0.0.1'], {
    SSE_MAX_DURATION_MS: `${sseMaxDurationMs}`,
  })
  await program.says(/Ready in/)
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}

function run(
  script: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Command {
  return runScript(join(root, 'apps/next'), script, {
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
    ...env,
  })
}
