import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Program, startProgram } from './program.ts'

/** A Redis server for one test, on 127.0.0.1, without persistence. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** A connection to inspect the server and to cause faults. */
  readonly admin: Redis
  /** Kills the server as a crash would, and waits until it has exited. */
  kill(): Promise<void>
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>
  /** Suspends the server: its connections stay open, and get no replies. */
  freeze(): void
  /** Resumes a suspended server. */
  thaw(): void
}

/** Options of {@link startRedis}. */
export interface RedisServerOptions {
  /** The server's program. */
  readonly binary?: string
  /** Additional arguments. */
  readonly args?: readonly string[]
  /**
   * The port to listen at.
   *
   * @default a free one
   */
  readonly port?: number
}

/** The program of Redis, from `REDIS_SERVER_BIN` or PATH. */
export const redisBinary: string = process.env.REDIS_SERVER_BIN || 'redis-server'
/** The program of Valkey, from `VALKEY_SERVER_BIN`; without it, tests on Valkey are skipped. */
export const valkeyBinary: string | undefined = process.env.VALKEY_SERVER_BIN || undefined

/** Starts a Redis server. */
export async function startRedis({
  binary = redisBinary,
  args = [],
  port: givenPort,
}: RedisServerOptions = {}): Promise<RedisServer> {
  const port = givenPort ?? (await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'redis-'))
  let server = await launch(binary, port, folder, args)
  const admin = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    retryStrategy: () => 20,
    // A command waits for a server that is down.
    maxRetriesPerRequest: null,
  })
  // Tests kill the server on purpose.
  admin.on('error', () => {})
  await admin.connect()

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    admin,
    kill: () => server.kill(),
    async restart() {
      await server.kill()
      server = await launch(binary, port, folder, args)
    },
    freeze: () => void server.child.kill('SIGSTOP'),
    thaw: () => void server.child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      admin.disconnect()
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Waits until a replica has everything that its master has now. (WAIT covers only the writes of its
 * own connection.)
 */
export async function untilInSync(replica: RedisServer, master: RedisServer): Promise<void> {
  const offset = async ({ admin }: RedisServer, of: string): Promise<number> =>
    Number(new RegExp(`${of}_repl_offset:(\\d+)`).exec(await admin.info('replication'))?.[1])
  const reached = await offset(master, 'master')
  while (!((await offset(replica, 'slave')) >= reached)) await setTimeout(5)
}

/** Finds a free port, below 22768: a Cluster needs the port 10000 above it too. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_240 + Math.floor(Math.random() * 12_000)
    const server = createServer().unref()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

async function launch(
  binary: string,
  port: number,
  folder: string,
  args: readonly string[],
): Promise<Program> {
  const basics = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ]
  const server = startProgram(binary, [...basics, ...args])
  await server.says(/Ready to accept connections/)
  return server
}
