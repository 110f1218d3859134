import { AsyncLocalStorage } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { initTRPC } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import {
  type Backend,
  channel,
  createChannels,
  createServerLink,
  type ServerLink,
} from '@trpc-sse/server'
import { z } from 'zod'
import { fetchServer } from '../support/fetch-server.ts'
import { listen, type TestServer } from '../support/http.ts'
import { createInbox, type Inbox } from '../support/inbox.ts'

/** The app's store for each request: the name of its user. */
export const storage: AsyncLocalStorage<string> = new AsyncLocalStorage<string>()

/** A call of user code: which piece was called, and in which store. */
export interface Call {
  readonly piece: string
  readonly store: string | undefined
}

/** Options of {@link startContextApp}. */
export interface ContextAppOptions {
  readonly backend: Backend
  readonly adapter: 'node' | 'fetch'
  readonly middleware?: (req: IncomingMessage, res: ServerResponse, next: () => void) => void
  readonly runWithContext?: (ctx: { store: string }, run: () => void) => unknown
}

/** An instance of an app that records the store in which each piece of its code runs. */
export interface ContextApp extends TestServer {
  readonly link: ServerLink
  /** Every call of user code. */
  readonly calls: Inbox<Call>
  publish(n: number): Promise<unknown>
}

/** Describes a value by its type, or its first property. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value
  return 'type' in value ? String(value.type) : (Object.keys(value)[0] ?? 'nothing')
}

/** Starts an instance. Each request runs in a store named by its header `store`. */
export async function startContextApp({
  backend,
  adapter,
  ...link
}: ContextAppOptions): Promise<ContextApp> {
  const calls = createInbox<Call>()
  const say = (piece: string): void => calls.put({ piece, store: storage.getStore() })
  const transformer = {
    serialize(value: unknown) {
      say(`serialize ${kindOf(value)}`)
      return { wire: value }
    },
    deserialize(text: { wire: unknown }) {
      say(`deserialize ${kindOf(text.wire)}`)
      return text.wire
    },
  }
  const schema = z.object({ n: z.number() }).refine(() => {
    say('event schema')
    return true
  })
  const channels = createChannels({
    backend,
    transformer,
    channels: { numbers: channel({ event: schema, retain: { events: 8 } }) },
    onError: () => say('onError of channels'),
  })
  const t = initTRPC.context<{ store: string }>().create({
    transformer,
    errorFormatter({ shape }) {
      say('errorFormatter')
      return shape
    },
  })
  const input = z.object({ room: z.string() }).refine(() => {
    say('input parser')
    return true
  })
  const procedure = t.procedure
    .use(({ next }) => {
      say('middleware')
      return next()
    })
    .input(input)
  async function* steps(signal: AbortSignal | undefined) {
    try {
      for await (const [, { n }] of channels.numbers().subscribe({ signal, replay: 'all' })) {
        say('generator step')
        yield { yielded: n }
      }
    } finally {
      say('generator finally')
    }
  }
  const router = t.router({
    changed: procedure
      .output((value: unknown) => {
        say('output parser')
        return value as AsyncIterable<unknown>
      })
      .subscription((opts) => {
        say('resolver')
        return channels
          .numbers()
          .subscribe({ ...opts, replay: 'all' })
          .filter(() => {
            say('filter')
            return true
          })
          .map(({ n }) => {
            say('map')
            return { mapped: n }
          })
      }),
    live: procedure.subscription((opts) =>
      channels.numbers().live(opts, () => {
        say('loader')
        return { loaded: 1 }
      }),
    ),
    hangs: procedure.subscription((opts) =>
      channels.numbers().live(opts, ({ signal }) => {
        signal.addEventListener('abort', () => say('loader aborted'))
        return new Promise<{ loaded: 1 }>(() => {})
      }),
    ),
    steps: procedure.subscription(({ signal }) => steps(signal)),
    observed: procedure.subscription(() =>
      observable<{ observed: number }>((emit) => {
        say('observable setup')
        const stop = new AbortController()
        void storage.run('emitter', async () => {
          const numbers = channels.numbers().subscribe({ signal: stop.signal, replay: 'all' })
          for await (const [, { n }] of numbers) emit.next({ observed: n })
        })
        return () => {
          say('observable teardown')
          stop.abort()
        }
      }),
    ),
    fails: procedure.subscription((opts) =>
      channels
        .numbers()
        .subscribe({ ...opts, replay: 'all' })
        .filter(() => {
          throw new Error('no')
        }),
    ),
  })
  const serverLink = createServerLink({
    router,
    channels,
    createContext: ({ req }) => {
      say('createContext')
      const { headers } = req
      const store = headers instanceof Headers ? headers.get('store') : headers.store
      return { store: String(store) }
    },
    connectionKey() {
      say('connectionKey')
      return 'everybody'
    },
    responseMeta() {
      say('responseMeta')
      return {}
    },
    onError: () => say('onError'),
    ...link,
  })
  const server = await listen(
    adapter === 'fetch'
      ? fetchServer((request) =>
          storage.run(String(request.headers.get('store')), () => serverLink.fetch(request)),
        )
      : (req, res) => void storage.run(String(req.headers.store), () => serverLink.node(req, res)),
  )
  return Object.assign(server, {
    link: serverLink,
    calls,
    publish: (n: number) => storage.run('publisher', () => channels.numbers().publish({ n })),
    async [Symbol.asyncDispose]() {
      server.server.closeAllConnections()
      server.server.close()
      await channels.close()
    },
  })
}
