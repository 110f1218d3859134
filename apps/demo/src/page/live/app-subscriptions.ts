import { trpc } from './client.ts'
import { createStream, type Stream } from './subscription.ts'

/** The type of a stream's events. */
export type EventOf<TStream> = TStream extends Stream<infer TEvent> ? TEvent : never

export const prices = createStream({
  path: 'prices.onTick',
  procedure: trpc.prices.onTick,
  input: undefined,
  keep: 120,
  publishedAt: ({ at }) => at,
  idsAfter: (after) => trpc.prices.idsAfter.query({ after }),
})

export const notifications = createStream({
  path: 'notifications.onNotification',
  procedure: trpc.notifications.onNotification,
  input: undefined,
  keep: 50,
  publishedAt: ({ at }) => at,
  idsAfter: (after) => trpc.notifications.idsAfter.query({ after }),
})

/** The messages of a room. */
export function chatStream(room: string) {
  return createStream({
    path: 'chat.onMessage',
    procedure: trpc.chat.onMessage,
    input: { room },
    keep: 200,
    publishedAt: ({ sentAt }) => sentAt,
    idsAfter: (after) => trpc.chat.idsAfter.query({ room, after }),
  })
}

/** The progress of a job. */
export function jobStream(jobId: string) {
  return createStream({
    path: 'jobs.onProgress',
    procedure: trpc.jobs.onProgress,
    input: { jobId },
    keep: 1,
    publishedAt: ({ at }) => at,
    idsAfter: (after) => trpc.jobs.idsAfter.query({ jobId, after }),
  })
}

export type Message = EventOf<ReturnType<typeof chatStream>>
export type Tick = EventOf<typeof prices>
