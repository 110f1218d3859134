import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { createChannels, memoryBackend, run } from '@trpc-sse/server'
import { z } from 'zod'

/** A lease that is short enough for tests to wait for its end. */
const shortLeaseMs = 1_000

const params = z.object({ id: z.string() })
const t = initTRPC.create()

/** Creates the channels and the router of a server, on the Redis at a URL or in memory. */
export function createApp(redisUrl?: string, leaseMs = shortLeaseMs) {
  const fold = { initial: '', apply: (text: string, delta: string) => text + delta }
  const channels = createChannels({
    backend: redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl }),
    channels: {
      answer: run({ params, event: z.string(), fold, leaseMs }),
      relay: run({
        params,
        event: z.string(),
        fold,
        leaseMs,
        onAbandoned: 'takeOver',
        takeOverMs: 10_000,
        // The part of the id before the dash.
        index: ({ id }) => id.split('-')[0] ?? '',
      }),
      job: run({ params, event: z.string(), leaseMs }),
    },
    onError() {},
  })
  const router = t.router({
    onAnswer: t.procedure
      .input(params)
      .subscription((opts) => channels.answer(opts.input).follow(opts)),
    onRelay: t.procedure
      .input(params)
      .subscription((opts) => channels.relay(opts.input).follow(opts)),
    /** Follows an answer that has begun, or begins soon. */
    onSoon: t.procedure
      .input(params)
      .subscription((opts) => channels.answer(opts.input).follow({ ...opts, waitForStartMs: 50 })),
    onJob: t.procedure.input(params).subscription((opts) => channels.job(opts.input).follow(opts)),
  })
  return { channels, router }
}

export type App = ReturnType<typeof createApp>
/** The kinds of runs: an answer is abandoned with its producer, a relay is taken over. */
export type Kind = 'answer' | 'relay'
export type AppRouter = App['router']

/** The expected text of a run: numbered words that contain the run's id. */
export function textOf(id: string, words: number): string {
  return Array.from({ length: words }, (_, word) => `${id}.${word} `).join('')
}
