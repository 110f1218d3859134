import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProgram } from './program.ts'

/** Starts Caddy with a test's own Caddyfile. */
export async function startCaddy(caddyfile: string): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'caddy-'))
  const file = join(folder, 'Caddyfile')
  await writeFile(file, `{\n  admin off\n  auto_https off\n}\n${caddyfile}`)
  const args = ['run', '--config', file, '--adapter', 'caddyfile']
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  const caddy = startProgram(process.env.CADDY_BIN || 'caddy', args, { env, readsErrors: true })
  await caddy.says(/serving initial configuration/)
  return {
    async [Symbol.asyncDispose]() {
      await caddy.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
