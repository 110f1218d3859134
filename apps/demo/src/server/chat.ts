import { TRPCError } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/server'
import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { procedure, router } from './trpc.ts'

const room = z.object({ room: z.string() })
const replay = 50

export const chatRouter = router({
  /** A room's last messages, then each new one. */
  // #region procedure
  onMessage: procedure.input(room).subscription((opts) => {
    const log = channels.chat(opts.input)
    return log.subscribe({ ...opts, replay })
  }),
  // #endregion

  /** Sends a message. The key makes retries harmless: the message is stored once. */
  send: procedure
    .input(room.extend({ author: z.string(), text: z.string(), key: z.string() }))
    .mutation(({ input: { room, author, text, key } }) =>
      channels
        .chat({ room })
        .publish({ author, text, sentAt: new Date() }, { idempotencyKey: key }),
    ),

  /**
   * Publishes an unchecked event, to show that the channel refuses a wrong one. The input is
   * `unknown` on purpose: tRPC lets every event through, so only the channel's schema can refuse
   * it.
   */
  sendUnchecked: procedure
    .input(room.extend({ event: z.unknown() }))
    .mutation(async ({ input: { room, event } }) => {
      try {
        return await channels.chat({ room }).publish(event as never)
      } catch (cause) {
        if (!isRealtimeError(cause) || cause.code !== 'INVALID_EVENT') throw cause
        throw new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
      }
    }),

  idsAfter: procedure
    .input(room.extend(afterInput.shape))
    .query(({ input: { room, after } }) => idsAfter(channels.chat({ room }), after, replay)),
})
