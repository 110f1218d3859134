import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { startProgram } from './program.ts'
import { freePort, type RedisServer, redisBinary } from './redis.ts'

/** Sentinels that watch a master, and put a replica in its place when it is gone. */
export interface RedisSentinels extends AsyncDisposable {
  /** What a client finds the master by. */
  readonly options: {
    readonly name: string
    readonly sentinels: ReadonlyArray<{ readonly host: string; readonly port: number }>
  }
}

const name = 'main'

/** Starts three Sentinels, and waits until they know the master's replica and each other. */
export async function startRedisSentinels(master: RedisServer): Promise<RedisSentinels> {
  const folder = await mkdtemp(join(tmpdir(), 'sentinels-'))
  const running = await Promise.all(
    [0, 1, 2].map((i) => startSentinel(join(folder, `${i}.conf`), master.port)),
  )
  for (const { port } of running) await untilItKnows(port)
  return {
    options: { name, sentinels: running.map(({ port }) => ({ host: '127.0.0.1', port })) },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map(({ program }) => program.kill()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startSentinel(file: string, masterPort: number) {
  const port = await freePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  await writeFile(file, lines.join('\n'))
  const program = startProgram(redisBinary, [file, '--sentinel'])
  await program.says(/\+monitor master/)
  return { port, program }
}

// There is no event for that either.
async function untilItKnows(port: number): Promise<void> {
  const admin = new Redis(port, '127.0.0.1')
  for (;;) {
    const found = await admin.call('sentinel', 'master', name)
    const about = Array.isArray(found) ? found.map(String) : []
    const count = (what: string): number => Number(about[about.indexOf(what) + 1])
    if (count('num-slaves') === 1 && count('num-other-sentinels') === 2) break
    await setTimeout(20)
  }
  admin.disconnect()
}
