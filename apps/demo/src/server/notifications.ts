import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { procedure, router } from './trpc.ts'

const replay = 20
const news = [
  'Ada approved your expense',
  'Deploy 218 is live',
  'Invoice 4071 was paid',
  'Grace mentioned you in a comment',
  'Backup finished in 42 s',
  'A new device signed in',
]

export const notificationsRouter = router({
  /** The latest notifications, then each new one. */
  onNotification: procedure.subscription((opts) =>
    channels.notifications().subscribe({ ...opts, replay }),
  ),

  /** Publishes made-up notifications to every client, in one round trip. */
  send: procedure
    .input(z.object({ count: z.number().int().min(1).max(20) }))
    .mutation(({ input }) => {
      const first = Math.floor(Math.random() * news.length)
      const texts = Array.from(
        { length: input.count },
        (_, i) => news[(first + i) % news.length] ?? '',
      )
      return channels.notifications().publishMany(texts.map((text) => ({ text, at: new Date() })))
    }),

  idsAfter: procedure
    .input(afterInput)
    .query(({ input }) => idsAfter(channels.notifications(), input.after, replay)),
})

/** Notifies every client, once per key. */
export async function notify(text: string, key: string): Promise<void> {
  await channels.notifications().publish({ text, at: new Date() }, { idempotencyKey: key })
}
