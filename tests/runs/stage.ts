import { once } from 'node:events'
import { sseLink } from '@trpc-sse/client'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { createInbox, type Inbox } from '../support/inbox.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type App, createApp, type Kind } from './app.ts'
import { followByLink, followByLoop, type RunFollower } from './followers.ts'
import type { ProduceCommand, Produced } from './producer.ts'

/** A process that produces runs. */
export interface ProducerProcess {
  readonly results: Inbox<Produced>
  produce(command: ProduceCommand): void
  resume(): void
  kill(): Promise<void>
  /** Resolves when a signal has ended the process. */
  gone(): Promise<void>
}

/** Two server processes, each behind a proxy, on one Redis with an append-only file. */
export interface Stage extends AsyncDisposable {
  readonly redis: RedisServer
  readonly proxies: readonly [TcpProxy, TcpProxy]
  /** An instance in this process. */
  readonly app: App
  startProducer(): Promise<ProducerProcess>
  /** Kills a server process, and replaces it by another one. */
  replaceServer(index: 0 | 1): Promise<void>
  /** Follows a run through the link in both modes, on both servers, and in this process. */
  follow(id: string, kind?: Kind): readonly RunFollower[]
}

export async function setStage(): Promise<Stage> {
  const stack = new AsyncDisposableStack()
  const args = ['--appendonly', 'yes', '--appendfsync', 'no']
  const redis = stack.use(await startRedis({ args }))
  const env = { REDIS_URL: redis.url }
  const startServer = async (): Promise<ChildServer> =>
    stack.use(await startChildServer(new URL('./server.ts', import.meta.url), env))
  const servers = await Promise.all([startServer(), startServer()])
  const proxies = [
    stack.use(await startTcpProxy(servers[0].port)),
    stack.use(await startTcpProxy(servers[1].port)),
  ] as const
  const app = createApp(redis.url)
  stack.defer(() => app.channels.close())
  const retry = { baseMs: 20, maxMs: 200 }
  const link = (index: 0 | 1, mode: 'multiplexed' | 'single') =>
    sseLink({ url: `http://127.0.0.1:${proxies[index].port}`, mode, retry })
  const links = [link(0, 'multiplexed'), link(1, 'multiplexed'), link(0, 'single')]
  return {
    redis,
    proxies,
    app,
    async startProducer() {
      return producerOn(stack.use(await startChildServer(producerModule, env)))
    },
    async replaceServer(index) {
      await servers[index].kill()
      servers[index] = await startServer()
      proxies[index].target = servers[index].port
    },
    follow: (id, kind) => [
      ...links.map((each) => followByLink(each, id, kind)),
      followByLoop(app, id, kind),
    ],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const producerModule = new URL('./producer.ts', import.meta.url)

function producerOn({ child, kill }: ChildServer): ProducerProcess {
  const results = createInbox<Produced>()
  child.on('message', (result: Produced) => results.put(result))
  return {
    results,
    kill,
    produce: (command) => void child.send(command),
    resume: () => void child.kill('SIGCONT'),
    async gone() {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}
