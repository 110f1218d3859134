import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { startProgram } from './program.ts'
import { freePort } from './redis.ts'

/** A PostgreSQL server for one test file, on 127.0.0.1, that doesn't flush to the disk. */
export interface PostgresServer extends AsyncDisposable {
  readonly url: string
  /** Connections for a test's own queries. */
  readonly pool: pg.Pool
}

// PostgreSQL refuses to run as root.
const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Returns the path of PostgreSQL: `POSTGRES_BIN`, Debian's newest version, or the one on PATH. */
function findPostgres(): string {
  const folder = '/usr/lib/postgresql'
  const versions = existsSync(folder) ? readdirSync(folder) : []
  const [newest] = versions.sort((a, b) => Number(b) - Number(a))
  return process.env.POSTGRES_BIN || (newest ? join(folder, newest, 'bin/postgres') : 'postgres')
}

/** Starts a PostgreSQL server with an empty database. */
export async function startPostgres(): Promise<PostgresServer> {
  const postgres = findPostgres()
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  await chmod(folder, 0o700)
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid)
  const initdb = postgres.includes('/') ? join(dirname(postgres), 'initdb') : 'initdb'
  const options = ['-D', folder, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N']
  const { status, stderr, error } = spawnSync(initdb, options, {
    ...user,
    cwd: tmpdir(),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`, { cause: error })
  const settings = ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1']
  const server = startProgram(postgres, ['-D', folder, '-p', `${port}`, '-k', '', ...settings], {
    ...user,
    cwd: tmpdir(),
    readsErrors: true,
  })
  await server.says(/database system is ready/)
  const url = `postgres://test@127.0.0.1:${port}/postgres`
  const pool = new pg.Pool({ connectionString: url, max: 20 })
  // The server is killed before its connections are closed.
  pool.on('error', () => {})
  return {
    url,
    pool,
    async [Symbol.asyncDispose]() {
      await pool.end()
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
