import type { TRPCLink } from '@trpc/client'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { initTRPC, type TrackedEnvelope } from '@trpc/server'
import superjson from 'superjson'
import { describe, expectTypeOf, it } from 'vitest'
import {
  type SseCallContext,
  type SseFallback,
  type SseGap,
  type SseLinkErrorInfo,
  type SseLinkOptions,
  sseLink,
} from './index.ts'

interface Message {
  readonly text: string
  readonly sentAt: Date
}

const plain = initTRPC.create()
const plainRouter = plain.router({
  onMessage: plain.procedure.subscription(async function* (): AsyncGenerator<
    TrackedEnvelope<Message>
  > {}),
})
type PlainRouter = typeof plainRouter

const transformed = initTRPC.create({ transformer: superjson })
const transformedRouter = transformed.router({
  onMessage: transformed.procedure.subscription(async function* (): AsyncGenerator<
    TrackedEnvelope<Message>
  > {}),
})
type TransformedRouter = typeof transformedRouter

const url = '/trpc'

describe('transformer', () => {
  it('is required if the router has one', () => {
    sseLink<TransformedRouter>({ url, transformer: superjson })
    sseLink<TransformedRouter>({ url, transformer: { input: superjson, output: superjson } })
    // @ts-expect-error the transformer is missing
    sseLink<TransformedRouter>({ url })
    // @ts-expect-error the transformer is missing
    createTRPCClient<TransformedRouter>({ links: [sseLink({ url })] })
    createTRPCClient<TransformedRouter>({ links: [sseLink({ url, transformer: superjson })] })
  })

  it('is refused if the router has none', () => {
    sseLink<PlainRouter>({ url })
    // @ts-expect-error the router has no transformer
    sseLink<PlainRouter>({ url, transformer: superjson })
    // @ts-expect-error the router has no transformer
    createTRPCClient<PlainRouter>({ links: [sseLink({ url, transformer: superjson })] })
    createTRPCClient<PlainRouter>({ links: [sseLink({ url }), httpBatchLink({ url })] })
  })
})

describe('retry', () => {
  it('is a back-off, a function of the attempt and the error, or false', () => {
    sseLink<PlainRouter>({ url, retry: { maxMs: 5_000 } })
    sseLink<PlainRouter>({ url, retry: false })
    sseLink<PlainRouter>({
      url,
      retry(attempt, error) {
        expectTypeOf(attempt).toEqualTypeOf<number>()
        expectTypeOf(error).toEqualTypeOf<unknown>()
        return attempt < 3 && 100 * attempt
      },
    })
    // @ts-expect-error there is no retry without a wait
    sseLink<PlainRouter>({ url, retry: true })
    // @ts-expect-error the wait must be known at once
    sseLink<PlainRouter>({ url, retry: async () => 100 })
    // @ts-expect-error a function must return a wait or false
    sseLink<PlainRouter>({ url, retry: () => {} })
  })

  it('can be given to a call, in its context', () => {
    const client = createTRPCClient<PlainRouter>({ links: [sseLink({ url })] })
    client.onMessage.subscribe(undefined, { context: { retry: false } satisfies SseCallContext })
    const context: SseCallContext = { retry: { baseMs: 5 }, lastEventId: '', onGap: () => {} }
    client.onMessage.subscribe(undefined, { context: { ...context } })
    // @ts-expect-error `retry` has the type of the link's option
    expectTypeOf<SseCallContext>().toExtend<{ readonly retry?: boolean }>()
  })
})

describe('onData', () => {
  it('gets the event type without an annotation', () => {
    const client = createTRPCClient<TransformedRouter>({
      links: [sseLink({ url, transformer: superjson })],
    })
    client.onMessage.subscribe(undefined, {
      onData(event) {
        expectTypeOf(event).toEqualTypeOf<{ id: string; data: Message }>()
        // @ts-expect-error no such field
        event.data.author
      },
    })
  })

  it('gets the type of the parsed JSON without a transformer', () => {
    const client = createTRPCClient<PlainRouter>({ links: [sseLink({ url })] })
    client.onMessage.subscribe(undefined, {
      onData: (event) => expectTypeOf(event.data.sentAt).toEqualTypeOf<string>(),
    })
  })
})

describe('options', () => {
  it('accept what httpBatchLink accepts, and functions that return it', () => {
    const all: SseLinkOptions<PlainRouter> = {
      url: async () => new URL('https://example.com/trpc'),
      headers: async ({ op }) => ({ 'x-path': op.path, list: ['a', 'b'], none: undefined }),
      connectionParams: () => ({ token: 'x' }),
      fetch: globalThis.fetch,
      onGap: (gap) => expectTypeOf(gap).toEqualTypeOf<SseGap>(),
      onError: (error, info) => {
        expectTypeOf(error).toEqualTypeOf<unknown>()
        expectTypeOf(info).toEqualTypeOf<SseLinkErrorInfo>()
      },
      retry: { maxMs: 5_000 },
      mode: 'multiplexed',
      hiddenTimeoutMs: 60_000,
      lingerMs: 0,
      persist: sessionStorage,
      persistForMs: 1_000,
      onFallback: (fallback) => expectTypeOf(fallback).toEqualTypeOf<SseFallback>(),
    }
    expectTypeOf(sseLink<PlainRouter>(all)).toEqualTypeOf<TRPCLink<PlainRouter>>()
    sseLink<PlainRouter>({ url: new URL('https://example.com'), headers: new Headers({ a: '1' }) })
    const headersOfBatchLink: NonNullable<Parameters<typeof httpBatchLink>[0]['headers']> = ({
      opList,
    }) => ({
      paths: opList.map(({ path }) => path),
    })
    sseLink<PlainRouter>({ url, headers: headersOfBatchLink })
    sseLink<PlainRouter>({ url, EventSource, eventSourceOptions: { withCredentials: true } })
    // @ts-expect-error an EventSource, not its class
    sseLink<PlainRouter>({ url, EventSource: new EventSource('/trpc') })
    // @ts-expect-error no class like that of an EventSource
    sseLink<PlainRouter>({ url, EventSource: URL })
    // @ts-expect-error no such mode
    sseLink<PlainRouter>({ url, mode: 'many' })
    // @ts-expect-error connection params are text
    sseLink<PlainRouter>({ url, connectionParams: { n: 1 } })
    // @ts-expect-error no such option
    sseLink<PlainRouter>({ url, retryMs: 5 })
  })
})
