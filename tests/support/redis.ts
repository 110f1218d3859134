import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

/** A Redis server of one test's own, on 127.0.0.1, that keeps nothing on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** A connection to look at the server, and to do harm to it. */
  readonly admin: Redis
  /** Kills the server as a crash would, and waits until it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port, empty. */
  restart(): Promise<void>
  /** Stops it from answering, connections left open; and undoes that. */
  freeze(): void
  thaw(): void
}

/** Options of {@link startRedis}. */
export interface RedisServerOptions {
  /** The server's program. */
  readonly binary?: string
  /** More of its arguments. */
  readonly args?: readonly string[]
  /** The port; a free one if it isn't given. */
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
  const admin = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 20 })
  // It is expected to fail: the tests do.
  admin.on('error', () => {})
  await admin.connect()

  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }

  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    admin,
    kill,
    async restart() {
      await kill()
      server = await launch(binary, port, folder, args)
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      admin.disconnect()
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A port that nobody listens at. Below 22768, as a Cluster needs the port 10000 above it too. */
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
): Promise<ChildProcess> {
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
  const server = spawn(binary, [...basics, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  // A test that dies must not leave its servers behind.
  const killServer = (): void => void server.kill('SIGKILL')
  process.once('exit', killServer)
  server.once('exit', () => process.off('exit', killServer))
  await new Promise<void>((resolve, reject) => {
    let output = ''
    server.once('error', reject)
    server.once('exit', () => reject(new Error(`${binary} ended:\n${output}`)))
    server.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000)
      if (output.includes('Ready to accept connections')) resolve()
    })
  })
  return server
}
