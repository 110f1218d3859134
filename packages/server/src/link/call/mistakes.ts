import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { isRealtimeError } from '@trpc-sse/protocol'
import { logToConsole } from '../../user-code/calls.ts'
import { routerConfig } from '../router.ts'

/** Whether an error says that the server's own code is wrong: it is the same at every attempt. */
export function isMistake({ code, cause }: TRPCError): boolean {
  return (
    code === 'INTERNAL_SERVER_ERROR' && isRealtimeError(cause) && cause.code === 'INVALID_OPTION'
  )
}

/** Procedures, by their router, whose failure the console was told of. */
const logged = new WeakMap<AnyTRPCRouter, Set<string>>()

/** Tells the console of a failure of the server's, once for each procedure, in development: for an app without `onError`. */
export function logInDevelopment(
  router: AnyTRPCRouter,
  path: string,
  { code, cause, message }: TRPCError,
): void {
  // A server that goes away, or its backend, is no mistake in the procedure.
  const isOurs = isRealtimeError(cause)
    ? cause.code === 'INVALID_OPTION'
    : code === 'INTERNAL_SERVER_ERROR'
  if (!isOurs || !routerConfig(router).isDev) return
  const paths = logged.get(router) ?? new Set()
  logged.set(router, paths)
  if (paths.has(path)) return
  paths.add(path)
  logToConsole(
    `trpc-sse: The subscription "${path}" failed. Give onError to be told of each failure.`,
    cause ?? message,
  )
}
