import { inspect } from 'node:util'
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
import { createInbox } from '../support/inbox.ts'

/** The ways in which a user function misbehaves. */
export const behaviours = {
  throws(): unknown {
    throw new Error('misbehaves')
  },
  rejects: (): unknown => Promise.reject(new Error('misbehaves')),
  'returns a promise': (): unknown => Promise.resolve(true),
  'returns garbage': (): unknown => 1n,
  'returns nothing': (): unknown => undefined,
  'never settles': (): unknown => new Promise(() => {}),
  'is fine': (): unknown => 'fine',
}

export type Behaviour = keyof typeof behaviours | `throws ${keyof typeof thrown}`

/** Thrown values that are not ordinary errors. */
export const thrown = {
  nothing: (): unknown => undefined,
  null: (): unknown => null,
  text: (): unknown => 'misbehaves',
  'a frozen error': (): unknown => Object.freeze(new Error('misbehaves')),
  'a frozen object': (): unknown => Object.freeze({ code: 'FORBIDDEN' }),
  'an object without a prototype': (): unknown => Object.create(null),
  'an error that throws when it is read': unreadableError,
  'an error that throws when it is written': (): unknown =>
    Object.assign(new Error('misbehaves'), {
      toJSON: failBadly,
      toString: failBadly,
      [inspect.custom]: failBadly,
    }),
  'a proxy that throws': (): unknown => new Proxy(new Error('misbehaves'), hostile()),
  'a revoked proxy'(): unknown {
    const { proxy, revoke } = Proxy.revocable(new Error('misbehaves'), {})
    revoke()
    return proxy
  },
}

/** Throws an error that can't be read either. */
function failBadly(): never {
  throw unreadableError()
}

function unreadableError(): Error {
  const error = new Error('misbehaves')
  for (const name of [
    'name',
    'message',
    'stack',
    'cause',
    'code',
    'then',
    'toJSON',
    'toString',
    inspect.custom,
  ])
    Object.defineProperty(error, name, { get: failBadly })
  return error
}

function hostile(): ProxyHandler<Error> {
  return new Proxy({}, { get: () => failBadly })
}

/** Returns the function of a behaviour. */
function behaviourOf(name: Behaviour): () => unknown {
  if (name in behaviours) return behaviours[name as keyof typeof behaviours]
  return () => {
    throw thrown[name.slice('throws '.length) as keyof typeof thrown]()
  }
}

/** The effect on a subscription: it ends with an error, waits forever, or continues. */
export type Outcome = 'error' | 'waits' | 'goes on'

/**
 * The places where user code is called, and what happens to its subscription for each behaviour.
 */
export const places = {
  middleware: { throws: 'error', rejects: 'error', 'never settles': 'waits' },
  resolver: {
    throws: 'error',
    rejects: 'error',
    'returns garbage': 'error',
    'returns nothing': 'error',
    'never settles': 'waits',
  },
  'input parser': { throws: 'error', rejects: 'error', 'never settles': 'waits' },
  'output parser': {
    throws: 'error',
    rejects: 'error',
    'returns garbage': 'error',
    'never settles': 'waits',
  },
  'params schema': {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'returns nothing': 'error',
    'never settles': 'error',
  },
  'generator step': {
    throws: 'error',
    rejects: 'error',
    'returns garbage': 'error',
    'never settles': 'waits',
  },
  'iterator next': {
    throws: 'error',
    rejects: 'error',
    'returns garbage': 'error',
    'returns nothing': 'error',
    'never settles': 'waits',
  },
  'iterator value': { rejects: 'error', 'returns a promise': 'error', 'never settles': 'error' },
  iterator: { throws: 'error', 'returns a promise': 'error', 'returns nothing': 'error' },
  'iterator return': {
    throws: 'waits',
    rejects: 'waits',
    'returns garbage': 'waits',
    'never settles': 'waits',
  },
  'observable setup': { throws: 'error', 'returns nothing': 'waits' },
  'observable value': {
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'never settles': 'error',
  },
  'observable teardown': { throws: 'waits', 'never settles': 'waits' },
  filter: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'never settles': 'error',
    'returns garbage': 'goes on',
  },
  map: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'never settles': 'error',
  },
  loader: {
    throws: 'error',
    rejects: 'error',
    'returns garbage': 'error',
    'never settles': 'waits',
  },
  'transformer of what is sent': {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'never settles': 'error',
  },
  'transformer of the input': {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'never settles': 'error',
  },
  errorFormatter: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'returns nothing': 'error',
    'never settles': 'error',
  },
  onError: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'never settles': 'error',
  },
} satisfies Record<string, Partial<Record<Behaviour, Outcome>>>

export type Place = keyof typeof places

/** The places where user code is called once for each request. */
export const requestPlaces = {
  createContext: { throws: 'error', rejects: 'error', 'never settles': 'waits' },
  connectionKey: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'returns garbage': 'error',
    'never settles': 'error',
  },
  responseMeta: {
    throws: 'error',
    rejects: 'error',
    'returns a promise': 'error',
    'never settles': 'error',
  },
} satisfies Record<string, Partial<Record<Behaviour, Outcome>>>

export type RequestPlace = keyof typeof requestPlaces

/** A server with one procedure that misbehaves, and one that doesn't. */
export interface BadApp extends TestServer {
  readonly link: ServerLink
  /** Resolves when the bad function has been called. */
  readonly reached: Promise<void>
  publish(n: number): Promise<unknown>
}

/** Options of {@link startBadApp}. */
export interface BadAppOptions {
  readonly backend: Backend
  readonly adapter: 'node' | 'fetch'
  readonly place: Place | RequestPlace
  readonly behaviour: Behaviour
}

/**
 * Marks the values at which shared functions misbehave. For other values they work, because the
 * good procedure uses them, too.
 */
const mark = 'bad'

/** Starts the server. Functions that are called for each request misbehave at the header `bad`. */
export async function startBadApp({
  backend,
  adapter,
  place,
  behaviour,
}: BadAppOptions): Promise<BadApp> {
  const misbehave = behaviourOf(behaviour) as () => never
  const reached = createInbox<void>()
  function at(here: Place | RequestPlace, otherwise: () => unknown): never {
    if (here !== place) return otherwise() as never
    reached.put()
    return misbehave()
  }
  const isMarked = (value: unknown): boolean =>
    JSON.stringify(value ?? null, bigints).includes(mark)
  const transformer = {
    serialize: (value: unknown) =>
      isMarked(value) ? at('transformer of what is sent', () => value) : value,
    deserialize: (value: unknown) =>
      isMarked(value) ? at('transformer of the input', () => value) : value,
  }
  const schema = z.number()
  const params = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => at('params schema', () => ({ value })),
    },
  }
  const channels = createChannels({
    backend,
    channels: { numbers: channel({ event: schema }), rooms: channel({ params, event: schema }) },
    transformer,
    onError: () => {},
  })
  const t = initTRPC.context<{ isBad: boolean }>().create({
    transformer,
    errorFormatter: ({ shape }) => at('errorFormatter', () => shape),
  })
  const procedure = t.procedure
    .use(({ next }) => at('middleware', next))
    .input((value: unknown) => at('input parser', () => value))
  const replayed = (opts: object) => channels.numbers().subscribe({ ...opts, replay: 1 })
  async function* steps(): AsyncGenerator<unknown> {
    yield { fine: 1 }
    yield await at('generator step', () => 1)
  }
  const iterable = (): AsyncIterable<unknown> => ({
    [Symbol.asyncIterator]: () =>
      at('iterator', () => ({
        next: () =>
          place === 'iterator return'
            ? new Promise(() => {})
            : at('iterator next', () => ({ done: false, value: at('iterator value', () => 1) })),
        return: () => at('iterator return', async () => ({ done: true, value: undefined })),
      })),
  })
  const observed = () =>
    observable<unknown>((emit) => {
      if (place === 'observable value') emit.next(misbehave())
      at('observable setup', () => undefined)
      return () => at('observable teardown', () => undefined)
    })
  const results: Partial<Record<Place, (opts: object) => unknown>> = {
    resolver: misbehave,
    'params schema': (opts) => channels.rooms('lobby' as never).subscribe(opts),
    'generator step': steps,
    'iterator next': iterable,
    'iterator value': iterable,
    iterator: iterable,
    'iterator return': iterable,
    'observable setup': observed,
    'observable value': observed,
    'observable teardown': observed,
    filter: (opts) => replayed(opts).filter(misbehave),
    map: (opts) => replayed(opts).map(misbehave),
    loader: (opts) => channels.numbers().live(opts, misbehave),
    'transformer of what is sent': (opts) => replayed(opts).map(() => ({ mark })),
    errorFormatter() {
      throw new Error('a reason to format')
    },
    onError() {
      throw new Error('a reason to call onError')
    },
  }
  const output = (value: unknown) => at('output parser', () => value) as AsyncIterable<unknown>
  const router = t.router({
    bad: procedure
      .output(output)
      .subscription((opts) => (results[place as Place] ?? replayed)(opts) as never),
    good: t.procedure.subscription((opts) =>
      channels.numbers().subscribe({ ...opts, replay: 'all' }),
    ),
  })
  const link = createServerLink({
    router,
    channels,
    createContext({ req }) {
      const isBad = req.headers instanceof Headers ? req.headers.has('bad') : 'bad' in req.headers
      return isBad ? at('createContext', () => ({ isBad })) : { isBad }
    },
    connectionKey: ({ isBad }) => (isBad ? at('connectionKey', () => 'bad') : 'good'),
    responseMeta: ({ ctx }) => (ctx?.isBad ? at('responseMeta', () => ({})) : {}),
    onError: () => at('onError', () => undefined),
  })
  const server = await listen(
    adapter === 'fetch'
      ? fetchServer((request) => link.fetch(request))
      : (req, res) => void link.node(req, res),
  )
  return Object.assign(server, {
    link,
    reached: reached.take(),
    publish: (n: number) => channels.numbers().publish(n),
    async [Symbol.asyncDispose]() {
      server.server.closeAllConnections()
      server.server.close()
      await channels.close()
    },
  })
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
