import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { procedure, router } from './trpc.ts'

const room = z.object({ room: z.string() })
const replay = 50

export const chatRouter = router({
  /** A room's last messages, then each new one. */
  onMessage: procedure
    .input(room)
    .subscription((opts) => channels.chat(opts.input).subscribe({ ...opts, replay })),

  /** The key makes a send that is tried again harmless: it stores the message once. */
  send: procedure
    .input(room.extend({ author: z.string(), text: z.string(), key: z.string() }))
    .mutation(({ input: { room, author, text, key } }) =>
      channels
        .chat({ room })
        .publish({ author, text, sentAt: new Date() }, { idempotencyKey: key }),
    ),

  idsAfter: procedure
    .input(room.extend(afterInput.shape))
    .query(({ input: { room, after } }) => idsAfter(channels.chat({ room }), after, replay)),
})
