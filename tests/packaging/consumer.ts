// An app as a user would write it. `packaging.test.ts` compiles it against the packed packages and
// their declarations.

import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createChatTransport, failOnError, uiMessageDeltas } from '@trpc-sse/ai/ai-sdk'
import { createRunConnection, streamDeltas } from '@trpc-sse/ai/tanstack'
import { sseLink } from '@trpc-sse/client'
import { type LiveSubscription, useLive } from '@trpc-sse/react'
import { redisBackend } from '@trpc-sse/redis'
import {
  channel,
  createChannels,
  createServerLink,
  type LiveEvent,
  merge,
  run,
} from '@trpc-sse/server'
import { createExpressMiddleware } from '@trpc-sse/server/adapters/express'
import { fastifyTRPCPlugin } from '@trpc-sse/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc-sse/server/adapters/fetch'
import { nodeHTTPRequestHandler } from '@trpc-sse/server/adapters/node-http'
import { createHTTP2Handler, createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { adapterCases, backendCases } from '@trpc-sse/server/testing'
import { z } from 'zod'

const t = initTRPC.create()

export const channels = createChannels({
  backend: redisBackend({ url: 'redis://localhost:6379' }),
  channels: {
    chat: channel({
      params: z.object({ room: z.string().max(64) }),
      event: z.object({ author: z.string(), text: z.string() }),
      retain: { events: 1_000, forMs: 86_400_000 },
    }),
    announcements: channel({ event: z.string() }),
  },
})

export const router = t.router({
  onMessage: t.procedure
    .input(z.object({ room: z.string() }))
    .subscription((opts) => channels.chat(opts.input).subscribe(opts)),
  onMembers: t.procedure
    .input(z.object({ room: z.string() }))
    .subscription((opts) => channels.chat(opts.input).live(opts, async () => ['ann'])),
  onAnything: t.procedure
    .input(z.object({ room: z.string() }))
    .subscription((opts) =>
      merge([channels.chat(opts.input).subscribe(opts), channels.announcements().subscribe(opts)]),
    ),
})

export const server = createHTTPServer({ router, channels })
export const link = createServerLink({ router, channels })
export const adapters = [
  fetchRequestHandler,
  nodeHTTPRequestHandler,
  fastifyTRPCPlugin,
  createHTTP2Handler,
]
export const middleware = createExpressMiddleware({ router, channels })
export const conformance = [backendCases, adapterCases]

export const client = createTRPCClient<typeof router>({
  links: [sseLink({ url: '/trpc' }), httpBatchLink({ url: '/trpc' })],
})

client.onMessage.subscribe({ room: 'lobby' }, { onData: ({ data }) => data.text satisfies string })

// @ts-expect-error The event's type reaches the client: there is no such field.
client.onMessage.subscribe({ room: 'lobby' }, { onData: ({ data }) => data.nothing })

// Not exported: declarations would name types of packages that the SDKs depend on.
const runs = createChannels({
  channels: {
    answer: run({ params: z.object({ runId: z.string() }), ...uiMessageDeltas() }),
    thread: run({ params: z.object({ runId: z.string() }), ...streamDeltas() }),
  },
})
const runRouter = t.router({
  onAnswer: t.procedure
    .input(z.object({ runId: z.string() }))
    .subscription((opts) => runs.answer(opts.input).follow(opts)),
  onThread: t.procedure
    .input(z.object({ runId: z.string() }))
    .subscription((opts) => runs.thread(opts.input).follow(opts)),
})
const runClient = createTRPCClient<typeof runRouter>({ links: [sseLink({ url: '/trpc' })] })

export const transport = createChatTransport({
  start: async () => {},
  follow: ({ runId }, observer) => runClient.onAnswer.subscribe({ runId }, observer),
  stop: async () => {},
  findRun: async () => null,
})

export const connection = createRunConnection({
  start: async () => {},
  follow: (thread, observer) => runClient.onThread.subscribe(thread, observer),
  stop: async () => {},
})

createChatTransport({
  start: async () => {},
  // @ts-expect-error It follows the deltas of an SDK, and nothing else.
  follow: ({ runId }, observer) => client.onMessage.subscribe({ room: runId }, observer),
  stop: async () => {},
  findRun: async () => null,
})

export const source = failOnError(new ReadableStream<{ type: 'finish' }>())

export function useMembers(room: string) {
  const subscription: LiveSubscription<LiveEvent<string[], { author: string }>, unknown> = {
    queryKey: ['members', room],
    subscribe: (handlers) => client.onMembers.subscribe({ room }, handlers),
  }
  return useLive(subscription, { reduce: (members, { author }) => [...members, author] })
}
