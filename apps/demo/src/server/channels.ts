import { redisBackend } from '@trpc-sse/redis'
import {
  type Backend,
  channel,
  createChannels,
  memoryBackend,
  run,
  stateChannel,
} from '@trpc-sse/server'
import superjson from 'superjson'
import { z } from 'zod'
import { folds } from '../shared/folds.ts'
import { limits } from '../shared/limits.ts'

const redisUrl = process.env.REDIS_URL

/** The backend that holds the events, as the page names it. */
export const backendName: 'memory' | 'redis' = redisUrl ? 'redis' : 'memory'

export const backend: Backend = redisUrl
  ? redisBackend({ url: redisUrl }, { prefix: 'trpc-sse-demo', commandTimeoutMs: 2_000 })
  : memoryBackend()

/** An answer that streams. Its lease is short, so that visitors see soon that a producer died. */
export const answerRun = run({
  params: z.object({ answerId: z.uuid() }),
  event: z.object({ text: z.string() }),
  fold: folds.answer,
  leaseMs: 3_000,
})

/** A place on the board: a share of its width and height. */
export const point = z.object({ x: z.number().min(0).max(1), y: z.number().min(0).max(1) })

/**
 * All real-time data of the app. Events are described here and nowhere else: the router, the page
 * and its components infer their types.
 */
export const channels = createChannels({
  backend,
  transformer: superjson,
  channels: {
    // #region channel
    chat: channel({
      params: z.object({ room: z.string().max(64) }),
      event: z.object({
        author: z.string().trim().min(1).max(40),
        text: z.string().trim().min(1).max(2_000),
        sentAt: z.date(),
      }),
    }),
    // #endregion
    prices: channel({
      event: z.object({ price: z.number(), at: z.date() }),
      // Ten minutes at four events a second.
      retain: { events: 2_400, forMs: 600_000 },
    }),
    jobs: run({
      params: z.object({ jobId: z.uuid() }),
      event: z.object({ step: z.number(), steps: z.number(), stage: z.string() }),
      fold: folds.job,
      keepForMs: 3_600_000,
    }),
    answers: answerRun,
    faults: channel({
      event: z.object({ answerId: z.uuid() }),
      // Only the instance with the job's producer listens, and no event is read later.
      retain: { events: 10, forMs: 60_000 },
    }),
    notifications: channel({
      event: z.object({ text: z.string().max(200), at: z.date() }),
      retain: { events: 200, forMs: 3_600_000 },
    }),
    load: channel({
      event: z.object({ instance: z.number(), connections: z.number(), subscriptions: z.number() }),
      retain: { events: 1_000, forMs: 600_000 },
    }),
    // Both have members, but no events.
    people: channel({
      event: z.never(),
      presence: { member: z.object({ name: z.string() }), max: limits.people },
    }),
    tabs: channel({
      event: z.never(),
      presence: { member: z.object({ user: z.string(), device: z.string() }) },
    }),
    typing: stateChannel({
      params: z.object({ room: z.string().max(64) }),
      value: z.object({ name: z.string() }),
      forMs: 4_000,
    }),
    cursors: stateChannel({
      value: point.extend({ name: z.string() }),
      entries: { max: limits.cursors },
      forMs: 30_000,
      conflate: true,
    }),
    // How many streams and subscriptions a user has on each instance.
    use: stateChannel({
      params: z.object({ user: z.string() }),
      value: z.object({ connections: z.number(), subscriptions: z.number() }),
      forMs: 60_000,
    }),
    // How often a user has signed out everywhere.
    signOuts: stateChannel({ params: z.object({ user: z.string() }), value: z.number() }),
  },
  // health.ts logs an outage of Redis once, so failed reads are not logged here.
  onError(error, { stage, channel }) {
    if (stage === 'decode') console.error(`${channel}: ${stage} failed`, error)
  },
})
