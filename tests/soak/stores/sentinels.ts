import { setTimeout as sleep } from 'node:timers/promises'
import { type RedisServer, startRedis } from '../../support/redis.ts'
import { startRedisSentinels } from '../../support/redis-sentinels.ts'
import { killSubscribers, oneAtATime, type SoakStore } from './store.ts'

/** A master and a replica, which Sentinels promote. */
export async function startWithSentinels(): Promise<SoakStore> {
  const stack = new AsyncDisposableStack()
  const args = ['--repl-diskless-sync-delay', '0']
  const first = stack.use(await startRedis({ args }))
  const second = stack.use(
    await startRedis({ args: [...args, '--replicaof', '127.0.0.1', `${first.port}`] }),
  )
  const sentinels = stack.use(await startRedisSentinels(first))
  const servers = [first, second]
  return {
    address: { kind: 'sentinels', ...sentinels.options },
    mayForget: true,
    faults: {
      ...oneAtATime({
        async 'the master is killed'() {
          const old = await masterOf(servers)
          await old.kill()
          await sleep(3_000)
          await old.restart()
          await untilWell(servers)
        },
        async 'the master is frozen'() {
          const old = await masterOf(servers)
          old.freeze()
          await sleep(3_000)
          old.thaw()
          await untilWell(servers)
        },
      }),
      async 'subscribers are killed'() {
        await killSubscribers((await masterOf(servers)).admin)
      },
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Returns the master. Waits while no server answers that it is one. */
async function masterOf(servers: readonly RedisServer[]): Promise<RedisServer> {
  for (;;) {
    for (const server of servers) {
      const [role] = await server.admin.role()
      if (role === 'master') return server
    }
    await sleep(50)
  }
}

/** Waits until there is a master with a replica in sync again. */
async function untilWell(servers: readonly RedisServer[]): Promise<void> {
  for (;;) {
    const infos = await Promise.all(servers.map(({ admin }) => admin.info('replication')))
    const isWell = infos.some((info) => info.includes('state=online'))
    if (isWell && infos.some((info) => info.includes('master_link_status:up'))) return
    await sleep(200)
  }
}
