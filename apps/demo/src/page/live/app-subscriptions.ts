import { trpc } from './client.ts'
import { createSubscription, type Subscription } from './subscription.ts'

/** The type of a subscription's events. */
export type EventOf<TSubscription> =
  TSubscription extends Subscription<infer TEvent> ? TEvent : never

export const prices = createSubscription({
  path: 'prices.onTick',
  procedure: trpc.prices.onTick,
  input: undefined,
  keep: 120,
  publishedAt: ({ at }) => at,
  idsAfter: (after) => trpc.prices.idsAfter.query({ after }),
})

export const notifications = createSubscription({
  path: 'notifications.onNotification',
  procedure: trpc.notifications.onNotification,
  input: undefined,
  keep: 50,
  publishedAt: ({ at }) => at,
  idsAfter: (after) => trpc.notifications.idsAfter.query({ after }),
})

/** Creates the subscription to a room's messages. */
export function chatSubscription(room: string) {
  return createSubscription({
    path: 'chat.onMessage',
    procedure: trpc.chat.onMessage,
    input: { room },
    keep: 200,
    publishedAt: ({ sentAt }) => sentAt,
    idsAfter: (after) => trpc.chat.idsAfter.query({ room, after }),
  })
}

export type Message = EventOf<ReturnType<typeof chatSubscription>>
