import type { TRPCLink } from '@trpc/client'
import { tap } from '@trpc/server/observable'
import type { AppRouter } from '../../server/router.ts'
import { endSession, token } from './session.ts'

/**
 * A link that ends the session when the server refuses it, whatever was called: a query, a mutation
 * or a subscription that another tab's connection carries.
 */
export const sessionLink: TRPCLink<AppRouter> =
  () =>
  ({ op, next }) => {
    const sent = token()
    return next(op).pipe(
      tap({
        error({ data, message }) {
          if (data?.code === 'UNAUTHORIZED') endSession(sent, { code: data.code, message })
        },
      }),
    )
  }
