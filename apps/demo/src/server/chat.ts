import { TRPCError } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/server'
import { z } from 'zod'
import { channels } from './channels.ts'
import { afterInput, idsAfter } from './ids-after.ts'
import { messageLimit } from './limits.ts'
import { procedure, router, userProcedure } from './trpc.ts'

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
  send: userProcedure
    .input(room.extend({ text: z.string(), key: z.string() }))
    .mutation(async ({ input: { room, text, key }, ctx: { session } }) => {
      await messageLimit.take(session.user)
      const message = { author: session.name, text, sentAt: new Date() }
      return channels.chat({ room }).publish(message, { idempotencyKey: key })
    }),

  /** Who is typing in a room. */
  onTyping: userProcedure
    .input(room)
    .subscription((opts) => channels.typing(opts.input).live(opts)),

  /** Says that the user is typing. It is true for four seconds: the page repeats it. */
  type: userProcedure.input(room).mutation(async ({ input, ctx: { session } }) => {
    await channels.typing(input).set(session.user, { name: session.name })
  }),

  stopTyping: userProcedure.input(room).mutation(async ({ input, ctx: { session } }) => {
    await channels.typing(input).delete(session.user)
  }),

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
