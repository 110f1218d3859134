import { fork } from 'node:child_process'
import { once } from 'node:events'
import { sseLink } from '@trpc-sse/client'
import { afterAll, beforeAll } from 'vitest'
import { type ChildServer, startChildServer } from '../support/child-server.ts'
import { createInbox, type Inbox } from '../support/inbox.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type App, createApp, type Kind } from './app.ts'
import { followByLink, followByLoop, type Outcome, type RunFollower } from './followers.ts'
import type { ProduceCommand, Produced } from './producer.ts'
import type { TabMessage } from './tab.ts'

/** A process that produces runs. */
export interface ProducerProcess {
  readonly results: Inbox<Produced>
  produce(command: ProduceCommand): void
  resume(): void
  kill(): Promise<void>
  /** Resolves when a signal has ended the process. */
  gone(): Promise<void>
}

/** A process in place of a browser's tab. */
export interface Tab {
  /** The outcome of the run in this tab. Never resolves if the tab is killed before. */
  readonly outcome: Promise<Outcome>
  kill(): void
}

/** Two server processes, each behind a proxy, on one Redis with an append-only file. */
export interface Deployment extends AsyncDisposable {
  readonly redis: RedisServer
  readonly proxies: readonly [TcpProxy, TcpProxy]
  /** An instance in this process. */
  readonly app: App
  /** Another one, which shares only Redis with it. */
  readonly otherApp: App
  startProducer(): Promise<ProducerProcess>
  /** Kills a server process, and replaces it by another one. */
  replaceServer(index: 0 | 1): Promise<void>
  /**
   * Opens a tab that follows a run on one of the servers. Resolves when it has so many items, or the
   * outcome.
   */
  openTab(id: string, index: 0 | 1, items: number): Promise<Tab>
  /** Follows a run through the link in both modes, on both servers, and in this process. */
  follow(id: string, kind?: Kind): readonly RunFollower[]
}

/** Starts a deployment for all tests of a file. Returns a function that gets it. */
export function useDeployment(): () => Deployment {
  let deployment: Deployment | undefined
  beforeAll(async () => {
    deployment = await deploy()
  })
  afterAll(() => deployment?.[Symbol.asyncDispose]())
  return () => {
    if (!deployment) throw new Error('The deployment has not started yet.')
    return deployment
  }
}

async function deploy(): Promise<Deployment> {
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
  const startApp = (): App => {
    const app = createApp(redis.url)
    stack.defer(() => app.channels.close())
    return app
  }
  const app = startApp()
  const retry = { baseMs: 20, maxMs: 200 }
  const link = (index: 0 | 1, mode: 'multiplexed' | 'single') =>
    sseLink({ url: `http://127.0.0.1:${proxies[index].port}`, mode, retry })
  const links = [link(0, 'multiplexed'), link(1, 'multiplexed'), link(0, 'single')]
  return {
    redis,
    proxies,
    app,
    otherApp: startApp(),
    async startProducer() {
      return producerOn(stack.use(await startChildServer(producerModule, env)))
    },
    async replaceServer(index) {
      await servers[index].kill()
      servers[index] = await startServer()
      proxies[index].target = servers[index].port
    },
    openTab: (id, index, items) => openTab(stack, id, proxies[index].port, items),
    follow: (id, kind) => [
      ...links.map((each) => followByLink(each, id, kind)),
      followByLoop(app, id, kind),
    ],
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function openTab(
  stack: AsyncDisposableStack,
  id: string,
  port: number,
  items: number,
): Promise<Tab> {
  const env = { TAB_URL: `http://127.0.0.1:${port}`, TAB_RUN: id, TAB_ITEMS: `${items}` }
  const child = fork(tabModule, { env: { ...process.env, ...env }, execArgv: [] })
  stack.defer(() => void child.kill('SIGKILL'))
  const messages = createInbox<TabMessage>()
  child.on('message', (message: TabMessage) => messages.put(message))
  const outcome = new Promise<Outcome>((resolve) => {
    child.on('message', (message: TabMessage) => {
      if ('outcome' in message) resolve(message.outcome)
    })
  })
  await messages.take()
  return { outcome, kill: () => void child.kill('SIGKILL') }
}

const tabModule = new URL('./tab.ts', import.meta.url)
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
