import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { createChannels, memoryBackend, run } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { z } from 'zod'
import { tick } from '../payload.ts'
import { createAnswer } from './answer.ts'
import type { Target, TargetSettings } from './target.ts'
import { singleRequests } from './tick-router.ts'

// All connections come from one address here, so the limit per address is lifted.
const limits = { connections: 50_000, connectionsPerKey: 50_000 }

/** Creates the channels with an answer, which is a run with a fold. */
export function createAnswers(redisUrl: string | undefined) {
  return createChannels({
    backend: redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl }),
    channels: {
      answer: run({
        params: z.string(),
        event: tick,
        fold: { initial: '', apply: (value, { text }) => value + text },
      }),
    },
  })
}

/** Ours: one run, which each connection follows. */
export function createRunTarget({ redisUrl }: TargetSettings): Target {
  const channels = createAnswers(redisUrl)
  const t = initTRPC.create()
  const router = t.router({
    onTick: t.procedure.subscription((opts) => channels.answer('answer').follow(opts)),
  })
  const server = createHTTPServer({ router, channels, limits })
  const { deltas, push } = createAnswer()
  void channels.answer('answer').produce(deltas)
  return {
    server,
    requests: (lastEventId) => singleRequests(1, lastEventId),
    subscribed: () => server.link.stats().subscriptions,
    publish: push,
  }
}
