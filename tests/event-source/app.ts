import type { IncomingMessage, ServerResponse } from 'node:http'
import { initTRPC, TRPCError } from '@trpc/server'
import {
  type CreateHTTPContextOptions,
  createHTTPServer as createStockServer,
} from '@trpc/server/adapters/standalone'
import { channel, createChannels, type ServerLink } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'
import { listen, type TestServer } from '../support/http.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'

/**
 * Two logs, because a browser has six connections to a server, and a handover takes two for each
 * log.
 */
export const names: readonly string[] = ['a', 'b']

/** The number of retained events in each log. */
export const kept = 40

function createLogs() {
  const params = z.object({ name: z.string() })
  const retain = { events: kept }
  const channels = createChannels({
    channels: { numbers: channel({ params, event: z.number(), retain }) },
  })
  // tRPC's own server sends heartbeats only if configured.
  const sse = {
    ping: { enabled: true, intervalMs: 200 },
    client: { reconnectAfterInactivityMs: 600 },
  }
  const t = initTRPC.create({ sse })
  const router = t.router({
    onNumber: t.procedure
      .input(params)
      .subscription((opts) => channels.numbers(opts.input).subscribe(opts)),
    // The app's own generator, whose values have no ids.
    onMood: t.procedure.subscription(async function* () {
      yield 'good'
      yield 'better'
    }),
    onSecret: t.procedure.subscription(async function* () {
      yield 'this far'
      throw new TRPCError({ code: 'UNAUTHORIZED', message: 'not for you' })
    }),
  })
  return { channels, router }
}

export type LogsRouter = ReturnType<typeof createLogs>['router']

/** Servers for logs of numbers and a page, behind a proxy. */
export interface App extends AsyncDisposable {
  readonly url: string
  readonly proxy: TcpProxy
  /** Tokens that are no longer valid. */
  readonly expired: Set<string>
  /** Starts another server. New connections go to it. */
  serve(): Promise<TestServer & { readonly link: ServerLink }>
  /** Starts one with tRPC's own adapter. */
  serveStock(): Promise<TestServer>
  /** Publishes these numbers to each log. */
  publish(numbers: readonly number[]): Promise<void>
}

/** Creates an app whose logs are empty. */
export async function createApp(html = ''): Promise<App> {
  const { channels, router } = createLogs()
  const started = new AsyncDisposableStack()
  started.defer(() => channels.close())
  const proxy = started.use(await startTcpProxy(0))
  const expired = new Set<string>()
  function createContext({ info }: CreateHTTPContextOptions): object {
    if (!expired.has(info.connectionParams?.token ?? '')) return {}
    throw new TRPCError({ code: 'UNAUTHORIZED', message: 'expired' })
  }
  const options = { router, createContext, basePath: '/trpc/', middleware: pageOf(html) }

  async function lead<TServer extends TestServer>(server: TServer): Promise<TServer> {
    proxy.target = Number(new URL(server.url).port)
    return started.use(server)
  }

  return {
    url: `http://127.0.0.1:${proxy.port}`,
    proxy,
    expired,
    async serve() {
      const server = createHTTPServer({ ...options, channels })
      return lead(Object.assign(await listen(server), { link: server.link }))
    },
    serveStock: async () => lead(await listen(createStockServer(options))),
    async publish(numbers) {
      for (const n of numbers) for (const name of names) await channels.numbers({ name }).publish(n)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/**
 * Returns a handler for requests that aren't for tRPC: it serves a page. At one address, it refuses
 * like a gateway.
 */
function pageOf(html: string) {
  return ({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const isGateway = url.includes('~gateway')
    if (url.startsWith('/trpc/') && !isGateway) next()
    else response.writeHead(isGateway ? 401 : 200, { 'content-type': 'text/html' }).end(html)
  }
}
