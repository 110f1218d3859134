import type { AnyTRPCRouter } from '@trpc/server'
import type { ServerLinkOptions } from '@trpc-sse/server'
import { startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/** Where chats are stored. */
export type Store = 'memory' | 'Redis'

interface App {
  readonly router: AnyTRPCRouter
  readonly channels: NonNullable<ServerLinkOptions['channels']> & { close(): Promise<void> }
}

/** The servers of chats: one server in memory, used twice, or two servers on Redis. */
export interface ChatServers<TApp> extends AsyncDisposable {
  /** The server that gets requests, and therefore produces. */
  readonly app: TApp
  /** Its address. */
  readonly asked: string
  /** The address of the other server. */
  readonly other: string
  /** The proxy in front of the server that gets requests. */
  readonly proxy: TcpProxy
}

/** Starts the servers of chats. */
export async function startChatServers<TApp extends App>(
  store: Store,
  createApp: (redisUrl: string | undefined) => TApp,
): Promise<ChatServers<TApp>> {
  const stack = new AsyncDisposableStack()
  const redis = store === 'Redis' ? stack.use(await startRedis()) : undefined
  const start = async () => {
    const app = createApp(redis?.url)
    stack.defer(() => app.channels.close())
    const server = stack.use(await serveRouter(app.router, { channels: app.channels }))
    const proxy = stack.use(await startTcpProxy(Number(new URL(server.url).port)))
    return { app, proxy, url: `http://127.0.0.1:${proxy.port}` }
  }
  const asked = await start()
  const other = redis ? await start() : asked
  return {
    app: asked.app,
    asked: asked.url,
    other: other.url,
    proxy: asked.proxy,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
