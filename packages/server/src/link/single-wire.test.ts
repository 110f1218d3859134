import { initTRPC, lazy, TRPCError, tracked } from '@trpc/server'
import * as stock from '@trpc/server/adapters/standalone'
import { observable } from '@trpc/server/observable'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fetchServer } from '../../../../tests/support/fetch-server.ts'
import {
  listen,
  openRaw,
  type RawRequest,
  subscriptionUrl,
} from '../../../../tests/support/http.ts'
import { createHTTPServer } from '../adapters/standalone.ts'
import { createServerLink } from '../index.ts'

type InitOptions = NonNullable<Parameters<typeof initTRPC.create>[0]>

/** A router with one procedure for each possible course of a subscription. */
function createRouter(options: InitOptions) {
  const t = initTRPC.context<{ user?: string }>().create(options as object)
  const { procedure, router } = t
  const values = (...all: unknown[]) =>
    procedure.subscription(async function* () {
      yield* all
    })
  const throws = (error: unknown) =>
    procedure.subscription(async function* () {
      yield 'before'
      throw error
    })
  const later = router({ values: values('late') })
  const declaring = procedure.errors(({ shape }) => ({ ...shape, declared: true }))
  return router({
    untracked: values(1, 'two', { three: [3] }, null),
    tracked: values(tracked('a', 1), tracked('b', { at: new Date(0) })),
    mixed: values('no id yet', tracked('a', 1), 'between', 'again', tracked('b', 2)),
    multiline: values('a\nb\r\nc', tracked('id with spaces: yes', '\u2028\u0000😀')),
    empty: values(),
    forbidden: throws(new TRPCError({ code: 'FORBIDDEN', message: 'not for you' })),
    plainError: throws(new Error('broken')),
    notAnError: throws('a text'),
    declared: declaring.subscription(async function* () {
      yield tracked('a', 1)
      throw new TRPCError({ code: 'FORBIDDEN', message: 'declared' })
    }),
    declaredAndRejects: declaring.subscription(async () => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'declared' })
    }),
    aborted: throws(new DOMException('gone', 'AbortError')),
    abortedLike: throws({ name: 'AbortError' }),
    unserializable: values(1, { loop: 1n }),
    typed: procedure.input(z.object({ n: z.number() })).subscription(async function* ({ input }) {
      yield input
    }),
    throwingParser: procedure
      .input((value: unknown) => {
        if (value !== 'fine') throw new Error('never fine')
        return value
      })
      .subscription(async function* ({ input }) {
        yield input
      }),
    resumable: procedure
      .input(z.object({ from: z.number(), lastEventId: z.string().nullish() }))
      .subscription(async function* ({ input }) {
        yield tracked('x', input)
        yield 'untracked'
      }),
    optional: procedure
      .input(z.object({ lastEventId: z.string().optional() }).optional())
      .subscription(async function* ({ input }) {
        yield input ?? 'none'
      }),
    nullish: procedure
      .input(z.object({ lastEventId: z.string().nullish() }).nullish())
      .subscription(async function* ({ input }) {
        yield input ?? 'none'
      }),
    anything: procedure.input(z.unknown()).subscription(async function* ({ input }) {
      yield input ?? 'none'
    }),
    rejects: procedure.subscription(async () => {
      throw new TRPCError({ code: 'UNAUTHORIZED' })
    }),
    throwsAbort: procedure.subscription(async () => {
      throw new DOMException('gone', 'AbortError')
    }),
    middlewareError: procedure
      .use(() => {
        throw new TRPCError({ code: 'PRECONDITION_FAILED', message: 'by a middleware' })
      })
      .subscription(async function* () {
        yield 1
      }),
    badOutput: procedure
      .output(z.string())
      // @ts-expect-error what the test is about
      .subscription(async function* () {
        yield 1
      }),
    notIterable: procedure.subscription((() => 'text') as never),
    nothing: procedure.subscription((() => undefined) as never),
    observed: procedure.subscription(() =>
      observable<unknown>((emit) => {
        emit.next(1)
        emit.next(tracked('o', 2))
        emit.complete()
      }),
    ),
    observedError: procedure.subscription(() =>
      observable<number, TRPCError>((emit) => {
        emit.next(1)
        emit.error(new TRPCError({ code: 'CONFLICT', message: 'twice' }))
      }),
    ),
    later: lazy(async () => ({ router: later })),
    brokenLazy: lazy(async (): Promise<{ router: typeof later }> => {
      throw new Error('could not be loaded')
    }),
    query: procedure.query(() => 'answer'),
    mutation: procedure.mutation(() => 'done'),
  })
}

interface Failure {
  readonly error: TRPCError
  readonly path: string | undefined
  readonly type: string
  readonly input: unknown
}

/** The answer to a request, without the parts that differ on purpose. */
interface Answer {
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly body: unknown
  /** The calls of onError. */
  readonly failures: readonly string[]
}

const comparedHeaders = [
  'content-type',
  'cache-control',
  'x-accel-buffering',
  'vary',
  'x-from-meta',
  'set-cookie',
  'allow',
]

function describeFailure({ error, path, type, input }: Failure): string {
  return JSON.stringify([error.code, error.message, path, type, input])
}

/**
 * Removes additions of our streams: the position after `connected`, and the time of silence after
 * which a stream is dead.
 */
function readBody(
  text: string,
  messages: ReadonlyArray<{ event: string; data: string; id?: string | undefined }>,
) {
  if (messages.length === 0) return JSON.parse(text === '' ? 'null' : withoutStacks(text))
  return messages.map(({ event, data, id }) => {
    if (event === 'connected')
      return { event, data: { ...JSON.parse(data), reconnectAfterInactivityMs: 'any' } }
    return { event, data: withoutStacks(data), id }
  })
}

function withoutStacks(text: string): string {
  return text.replace(/"stack":"(\\.|[^"\\])*"/g, '"stack":"a stack"')
}

async function readAnswer(
  url: string,
  request: RawRequest | undefined,
  failures: readonly Failure[],
): Promise<Answer> {
  using stream = await openRaw(url, request)
  const { text } = await stream.over
  return {
    status: stream.status,
    headers: Object.fromEntries(
      comparedHeaders.map((name) => [name, String(stream.headers[name])]),
    ),
    body: readBody(text, stream.messages),
    failures: failures.map(describeFailure),
  }
}

interface Case extends RawRequest {
  readonly url: string
  readonly init?: InitOptions
  readonly server?: object
}

/**
 * Sends the same request to tRPC's own server, to ours on Node and to ours with web-standard
 * requests.
 */
async function askAll({ url, init = {}, server = {}, ...request }: Case): Promise<{
  trpc: Answer
  node: Answer
  fetch: Answer
}> {
  const router = createRouter(init)
  const told: Record<'trpc' | 'node' | 'fetch', Failure[]> = { trpc: [], node: [], fetch: [] }
  const options = (name: keyof typeof told) => ({
    router,
    createContext: () => ({}),
    onError: (failure: Failure) => void told[name].push(failure),
    ...server,
  })
  const link = createServerLink(options('fetch') as never)
  await using trpcServer = await listen(stock.createHTTPServer(options('trpc') as never))
  await using nodeServer = await listen(createHTTPServer(options('node') as never))
  await using webServer = await listen(fetchServer((request) => link.fetch(request)))
  return {
    trpc: await readAnswer(trpcServer.url + url, request, told.trpc),
    node: await readAnswer(nodeServer.url + url, request, told.node),
    fetch: await readAnswer(webServer.url + url, request, told.fetch),
  }
}

const path = (name: string, query?: Parameters<typeof subscriptionUrl>[2]): string =>
  subscriptionUrl('', name, query)

const streams: Record<string, Case> = {
  'untracked events': { url: path('untracked') },
  'P18: tracked events': { url: path('tracked') },
  'P19: tracked and untracked events': { url: path('mixed') },
  'events of many lines and planes': { url: path('multiline') },
  'P24: no events': { url: path('empty') },
  'a TRPCError from a generator': { url: path('forbidden') },
  'another error from a generator': { url: path('plainError') },
  'a thrown text': { url: path('notAnError') },
  'an error that the procedure declares': { url: path('declared') },
  'an error that the procedure declares, before there is an iterable': {
    url: path('declaredAndRejects'),
  },
  'an AbortError from a generator': { url: path('aborted') },
  'what looks like an AbortError': { url: path('abortedLike') },
  'an event that JSON cannot hold': { url: path('unserializable') },
  'an input': { url: path('typed', { input: { n: 1 } }) },
  'an input that does not fit': { url: path('typed', { input: { n: 'one' } }) },
  'no input where there must be one': { url: path('typed') },
  'an input that is not JSON': { url: '/typed?input=%7B' },
  'an input that nobody reads and is not JSON': { url: '/untracked?input=%7B' },
  'an input of null': { url: path('nullish', { input: null }) },
  'a parser that throws': { url: path('throwingParser', { input: 'no', lastEventId: 'x' }) },
  'a parser that is a function': {
    url: path('throwingParser', { input: 'fine', lastEventId: 'x' }),
  },
  'P11: a lastEventId in the query': {
    url: path('resumable', { input: { from: 1 }, lastEventId: 'q' }),
  },
  'P11: a lastEventId in the query, in the spelling of a header': {
    url: path('resumable', { input: { from: 1 }, 'Last-Event-Id': 'q2' }),
  },
  'P11: a lastEventId in the header, before one in the query': {
    url: path('resumable', { input: { from: 1 }, lastEventId: 'q' }),
    headers: { 'last-event-id': 'h' },
  },
  'P11: a lastEventId in the header that is empty': {
    url: path('resumable', { input: { from: 1 }, lastEventId: 'q' }),
    headers: { 'last-event-id': '' },
  },
  'a lastEventId over one in the input': {
    url: path('resumable', { input: { from: 1, lastEventId: 'old' }, lastEventId: 'new' }),
  },
  'P13: a lastEventId for an optional input': { url: path('optional', { lastEventId: 'q' }) },
  'P13: a lastEventId for an input of null': {
    url: path('nullish', { input: null, lastEventId: 'q' }),
  },
  'P13: a lastEventId for an input of any type': { url: path('anything', { lastEventId: 'q' }) },
  'a lastEventId for an input that does not fit': {
    url: path('typed', { input: { n: 'one' }, lastEventId: 'q' }),
  },
  'a lastEventId with a line break': { url: path('untracked', { lastEventId: 'a\nb' }) },
  'an error before there is an iterable': { url: path('rejects') },
  'an AbortError before there is an iterable': { url: path('throwsAbort') },
  'an error of a middleware of the procedure': { url: path('middlewareError') },
  'an output that does not fit': { url: path('badOutput') },
  'an observable': { url: path('observed') },
  'an observable that fails': { url: path('observedError') },
  'a lazy router': { url: path('later.values') },
  'a lazy router that cannot be loaded': { url: path('brokenLazy.values') },
  'connectionParams that are bad': { url: '/untracked?connectionParams=%7B%22a%22%3A1%7D' },
  'connectionParams that are not JSON': { url: '/untracked?connectionParams=x' },
  'an unknown path': { url: path('unknown') },
  'an unknown path in a lazy router': { url: path('later.unknown') },
  'a path that every object has': { url: path('constructor') },
  'a path that is a prototype': { url: path('__proto__') },
  'a path that cannot be decoded': { url: '/%E0%A4%A' },
  'no path': { url: '/' },
  HEAD: { url: path('untracked'), method: 'HEAD' },
  'POST to a subscription': {
    url: path('untracked'),
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  },
  'PUT to a subscription': { url: path('untracked'), method: 'DELETE' },
  'GET of a query': { url: path('query') },
  'GET of a mutation': { url: path('mutation') },
  'POST of a mutation': {
    url: path('mutation'),
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  },
  'a batch of a subscription': { url: '/untracked?batch=1&input=%7B%7D' },
  'a batch of queries': { url: '/query,query,unknown?batch=1&input=%7B%7D' },
  'a request that wants JSON lines': {
    url: path('untracked'),
    headers: { accept: 'application/jsonl' },
  },
  'a request that wants JSON lines in the old way': {
    url: path('untracked'),
    headers: { 'trpc-accept': 'application/jsonl' },
  },
  'a request with another trpc-accept': {
    url: path('untracked'),
    headers: { 'trpc-accept': 'application/json' },
  },
  'a transformer': {
    url: path('tracked', { input: { json: null } }),
    init: { transformer: superjson },
  },
  'an error through a transformer': { url: path('forbidden'), init: { transformer: superjson } },
  'an input through a transformer': {
    url: path('resumable', { input: { json: { from: 1 } }, lastEventId: 'q' }),
    init: { transformer: superjson },
  },
  'an input that the transformer cannot read': {
    url: path('typed', { input: 1 }),
    init: {
      transformer: {
        serialize: (value: unknown) => value,
        deserialize() {
          throw new TRPCError({ code: 'PARSE_ERROR', message: 'no such input' })
        },
      },
    },
  },
  'an errorFormatter': {
    url: path('forbidden', { lastEventId: 'q' }),
    init: {
      errorFormatter: ({ shape, input, path, type, ctx }) => ({
        ...shape,
        extra: { input, path, type, ctx },
      }),
    },
  },
  'an errorFormatter that is given the input as sent': {
    url: path('resumable', { input: { from: 'one' }, lastEventId: 'q' }),
    init: { errorFormatter: ({ shape, input }) => ({ ...shape, input }) },
  },
  'a stack in development': { url: path('plainError'), init: { isDev: true } },
  'no stack in production': { url: path('plainError'), init: { isDev: false } },
  'sse.enabled: false': { url: path('untracked'), init: { sse: { enabled: false } } },
  emitAndEndImmediately: { url: path('untracked'), init: { sse: { emitAndEndImmediately: true } } },
  'sse.client': {
    url: path('untracked'),
    init: { sse: { client: { reconnectAfterInactivityMs: 7_000 } } },
  },
  'createContext that throws': {
    url: path('untracked'),
    server: {
      createContext() {
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })
      },
    },
  },
  'createContext that throws for a query': {
    url: path('query'),
    server: {
      createContext() {
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'who are you?' })
      },
    },
  },
  'responseMeta with headers as a record, and a status': {
    url: path('untracked'),
    server: {
      responseMeta: ({
        paths,
        type,
        eagerGeneration,
      }: {
        paths: string[]
        type: string
        eagerGeneration: boolean
      }) => ({
        status: 203,
        headers: {
          'x-from-meta': `${paths} ${type} ${eagerGeneration}`,
          'cache-control': 'private',
        },
      }),
    },
  },
  'responseMeta with Headers and cookies': {
    url: path('untracked'),
    server: {
      responseMeta: () => ({
        headers: new Headers([
          ['x-from-meta', 'yes'],
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ]),
      }),
    },
  },
  'responseMeta for a query': {
    url: path('query'),
    server: { responseMeta: () => ({ status: 203, headers: { 'x-from-meta': 'yes' } }) },
  },
}

// In newer versions, an app can choose the separator between the parts of a path.
if ('pathSeparator' in initTRPC.create()._config) {
  const init = { pathSeparator: '~' } as InitOptions
  streams['a path with another separator'] = { url: '/later~values', init }
  streams['a path with dots and another separator'] = { url: path('later.values'), init }
}

/** The parts of an answer that are compared with tRPC's answer. */
function comparable({ failures, ...answer }: Answer): object {
  return { ...answer, failures: [...new Set(failures)] }
}

describe('P10, P14: a request gets the same answer as from tRPC, event for event', () => {
  it.each(Object.entries(streams))('%s', async (name, given) => {
    const { trpc, node, fetch } = await askAll(given)
    expect(comparable(node)).toEqual(comparable(trpc))
    // tRPC's fetch adapter appends headers that its Node adapter replaces, and the test's server
    // reads joined cookies.
    const skipHeaders = name.startsWith('responseMeta')
    expect(comparable(skipHeaders ? { ...fetch, headers: node.headers } : fetch)).toEqual(
      comparable(trpc),
    )
    // Each failure is reported once, but tRPC reports failures of a subscription twice.
    expect(node.failures).toEqual([...new Set(trpc.failures)])
    expect(fetch.failures).toEqual([...new Set(trpc.failures)])
  })
})
