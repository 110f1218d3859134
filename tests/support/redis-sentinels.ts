import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startProgram } from './program.ts'
import { freePort, type RedisServer, redisBinary } from './redis.ts'

/** Sentinels that watch a master, and promote a replica when the master is gone. */
export interface RedisSentinels extends AsyncDisposable {
  /** Options with which a client finds the master. */
  readonly options: {
    readonly name: string
    readonly sentinels: ReadonlyArray<{ readonly host: string; readonly port: number }>
  }
}

const name = 'main'

/** Options of {@link startRedisSentinels}. */
export interface RedisSentinelsOptions {
  readonly count?: number
  /** The number of the master's replicas. */
  readonly replicas?: number
  /** Additional lines of their configuration. */
  readonly lines?: readonly string[]
  /** The password of the Sentinels themselves. */
  readonly password?: string
}

/** Starts Sentinels, and waits until they know the master's replicas and each other. */
export async function startRedisSentinels(
  master: RedisServer,
  { count = 3, replicas = 1, lines = [], password }: RedisSentinelsOptions = {},
): Promise<RedisSentinels> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinels-'))
  const more = [...lines, ...(password === undefined ? [] : [`requirepass "${password}"`])]
  const running = await Promise.all(
    Array.from({ length: count }, (_, i) =>
      startSentinel(join(folder, `${i}.conf`), master.port, more),
    ),
  )
  for (const { port } of running)
    await untilItKnows({ port, replicas, others: count - 1, password })
  return {
    options: { name, sentinels: running.map(({ port }) => ({ host: '127.0.0.1', port })) },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(({ program }) => program.kill()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startSentinel(file: string, masterPort: number, more: readonly string[]) {
  const port = await freePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
    ...more,
  ]
  await writeFile(file, lines.join('\n'))
  const program = startProgram(redisBinary, [file, '--sentinel'])
  await program.says(/\+monitor master/)
  return { port, program }
}

interface Knowledge {
  readonly port: number
  readonly password: string | undefined
  readonly replicas: number
  readonly others: number
}

// Redis has no event for that, so the Sentinel is polled.
async function untilItKnows({ port, password, replicas, others }: Knowledge): Promise<void> {
  const admin = new Redis({ port, host: '127.0.0.1', ...(password !== undefined && { password }) })
  for (;;) {
    const found = await admin.call('sentinel', 'master', name)
    const about = Array.isArray(found) ? found.map(String) : []
    const count = (what: string): number => Number(about[about.indexOf(what) + 1])
    if (count('num-slaves') === replicas && count('num-other-sentinels') === others) break
    await setTimeout(20)
  }
  admin.disconnect()
}
