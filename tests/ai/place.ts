import { afterAll } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type AiApp, createAiApp } from './app.ts'
import { createScriptedModel, type ScriptedModel } from './model.ts'

/** The servers of the chats: one server in memory, used twice, or two servers on Redis. */
export interface Place extends AsyncDisposable, ScriptedModel {
  /** The server that gets requests, and therefore produces. */
  readonly app: AiApp
  readonly asked: string
  /** The address of the other server. */
  readonly other: string
  /** The proxy in front of the server that gets requests. */
  readonly proxy: TcpProxy
}

let redis: RedisServer | undefined
let count = 0
afterAll(() => redis?.[Symbol.asyncDispose]())

/** Opens servers for chats with a scripted model. */
export async function openPlace(backend: 'memory' | 'Redis'): Promise<Place> {
  const stack = new AsyncDisposableStack()
  const script = createScriptedModel()
  if (backend === 'Redis') redis ??= await startRedis()
  const shared =
    backend === 'Redis' && redis ? { url: redis.url, prefix: `place${count++}` } : undefined
  const open = async () => {
    const app = createAiApp(script.model, shared)
    stack.defer(() => app.channels.close())
    const options = { channels: app.channels } as never
    const server = stack.use(await serveRouter(app.router, options))
    const proxy = stack.use(await startTcpProxy(Number(new URL(server.url).port)))
    return { app, proxy, url: `http://127.0.0.1:${proxy.port}` }
  }
  const asked = await open()
  const other = shared ? await open() : asked
  return {
    ...script,
    app: asked.app,
    asked: asked.url,
    other: other.url,
    proxy: asked.proxy,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
