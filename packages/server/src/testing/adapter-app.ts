import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type AnyTRPCRouter, initTRPC, TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import { type ChannelsBase, channel, createChannels, type ServerLinkOptions } from '../index.ts'

/** The part of a request that every adapter can pass to `createContext`. */
export interface AdapterAppRequest {
  /** Returns the value of a header. */
  header(name: string): string | string[] | null | undefined
  /** Adds a `set-cookie` header to the response in the framework's usual way. */
  addCookie(cookie: string): void
  readonly info: TRPCRequestInfo
}

/** The app's context. */
export interface AdapterAppContext {
  readonly user: string
}

/**
 * The app of the adapter cases: options for an adapter, except that `createContext` takes an
 * {@link AdapterAppRequest}. It can be mounted in another process or runtime too: it uses no Node
 * modules, and its `diary` query returns a record of what happened.
 */
export interface AdapterApp extends Pick<ServerLinkOptions<AdapterAppContext>, 'connectionKey'> {
  readonly router: AnyTRPCRouter
  readonly channels: ChannelsBase
  createContext(request: AdapterAppRequest): AdapterAppContext
  responseMeta(): { readonly headers: Headers }
  onError(failure: { readonly error: TRPCError; readonly path: string | undefined }): void
}

/** The cookies that the app sets in `createContext` (at `x-cookie: 1`) and in `responseMeta`. */
export const appCookies: readonly [context: string, meta: string] = ['context=1', 'meta=1']

/** Creates the app of the adapter cases. */
export function createAdapterApp(): AdapterApp {
  const diary: string[] = []
  const channels = createChannels({
    channels: { words: channel({ params: schemaOf(record), event: schemaOf(text) }) },
  })
  return {
    router: createRouter(diary, {
      publish: (topic, word) => channels.words({ topic }).publish(word),
      subscribe: (opts) => channels.words({ topic: opts.input.topic }).subscribe(opts),
    }),
    channels,
    createContext({ header, addCookie, info }) {
      if (header('x-stranger'))
        throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Who are you?' })
      if (header('x-cookie')) addCookie(appCookies[0])
      return { user: info.connectionParams?.user ?? String(header('x-user') ?? 'nobody') }
    },
    connectionKey: ({ user }) => user,
    responseMeta: () => ({ headers: new Headers([['set-cookie', appCookies[1]]]) }),
    onError: ({ error, path }) => void diary.push(`${error.code} at ${path}`),
  }
}

/** The app's channel of words, one log for each topic. */
interface Words {
  publish(topic: string, word: string): Promise<unknown>
  subscribe(opts: {
    input: { topic: string }
    signal: AbortSignal | undefined
  }): AsyncIterable<unknown>
}

function createRouter(diary: string[], words: Words): AnyTRPCRouter {
  const t = initTRPC.context<AdapterAppContext>().create()
  return t.router({
    whoami: t.procedure.query(({ ctx }) => ctx.user),
    repeat: t.procedure
      .input((count: unknown) => Number(count))
      .query(({ input }) => 'all the same '.repeat(input)),
    diary: t.procedure.query(() => diary),
    say: t.procedure
      .input((given: unknown) => ({
        topic: text(record(given).topic),
        word: text(record(given).word),
      }))
      .mutation(async ({ input, ctx }) => {
        await words.publish(input.topic, input.word)
        return `${ctx.user} said ${input.word}`
      }),
    nested: t.router({
      onWord: t.procedure
        .input((given: unknown) => ({ topic: text(record(given).topic) }))
        .subscription((opts) => words.subscribe(opts)),
    }),
    onWhoami: t.procedure.subscription(async function* ({ ctx }) {
      yield ctx.user
    }),
    onNothing: t.procedure.input(text).subscription(async function* ({
      input,
      signal,
    }): AsyncGenerator<string> {
      try {
        await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      } finally {
        diary.push(`left ${input}`)
      }
    }),
    onLarge: t.procedure
      .input((count: unknown) => Number(count))
      .subscription(async function* ({ input }) {
        for (let n = 0; n < input; n++) yield `${n} `.padEnd(100_000, 'x')
      }),
    onForbidden: t.procedure.subscription(async function* ({ ctx }) {
      if (ctx.user !== 'root') throw new TRPCError({ code: 'FORBIDDEN', message: 'Not for you.' })
      yield ctx.user
    }),
  })
}

function text(given: unknown): string {
  if (typeof given === 'string') return given
  throw new TypeError(`Expected a text, not ${typeof given}.`)
}

function record(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given === 'object' && given !== null) return given as Record<string, unknown>
  throw new TypeError(`Expected an object, not ${typeof given}.`)
}

/**
 * Creates a Standard Schema from a function that throws. This entry point uses no schema library.
 */
function schemaOf<T>(parse: (given: unknown) => T): StandardSchemaV1<T, T> {
  return {
    '~standard': { version: 1, vendor: 'trpc-sse', validate: (given) => ({ value: parse(given) }) },
  }
}
