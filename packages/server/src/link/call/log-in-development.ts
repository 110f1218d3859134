import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/protocol'
import { logToConsole } from '../../user-code/calls.ts'
import { routerConfig } from '../router.ts'
import { oncePerProcedure } from './once-per-procedure.ts'

const isFirst = oncePerProcedure()

/**
 * Logs an error in the server's own code, once for each procedure and only in development. For apps
 * without `onError`.
 */
export function logInDevelopment(
  router: AnyTRPCRouter,
  path: string,
  { code, cause, message }: TRPCError,
): void {
  // A draining server or an unavailable backend is not a mistake in the procedure.
  const isMistake = isRealtimeError(cause)
    ? cause.code === 'INVALID_OPTION'
    : code === 'INTERNAL_SERVER_ERROR'
  if (!isMistake || !routerConfig(router).isDev || !isFirst(router, path)) return
  logToConsole(
    `trpc-sse: The subscription "${path}" failed. Give onError to be called with each failure.`,
    cause ?? message,
  )
}
