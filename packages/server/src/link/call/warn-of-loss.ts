import type { AnyTRPCRouter } from '@trpc/server'
import { oncePerProcedure } from './once-per-procedure.ts'

const isFirst = oncePerProcedure()

/**
 * Warns, once for each procedure, that the procedure loses events because it doesn't pass the
 * client's position to its subscription.
 */
export function warnOfLoss(router: AnyTRPCRouter, path: string): void {
  if (!isFirst(router, path)) return
  console.warn(
    `trpc-sse: The procedure "${path}" reads a channel by subscribe() without the call's opts, so events are lost whenever a client reconnects. Pass them on, subscribe(opts), or return the subscription itself.`,
  )
}
