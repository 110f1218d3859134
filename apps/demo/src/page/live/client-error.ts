import { TRPCClientError } from '@trpc/client'
import type { AppRouter } from '../../server/router.ts'

/** Whether an error is one of the server's procedures, or of the way to them. */
export function isClientError(error: unknown): error is TRPCClientError<AppRouter> {
  return error instanceof TRPCClientError
}
