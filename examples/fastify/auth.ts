import { TRPCError } from '@trpc/server'
import type { CreateFastifyContextOptions } from '@trpc-sse/server/adapters/fastify'

/** The user of each token. In your app, it is in the database or in a signed token. */
const users = new Map([
  ['token-of-ann', 'ann'],
  ['token-of-bob', 'bob'],
])

/** Answers 401 to every request without a valid token, including streams. */
export function createContext({ req }: CreateFastifyContextOptions): { user: string } {
  const user = users.get(req.headers.authorization?.replace('Bearer ', '') ?? '')
  if (user === undefined) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'No such token.' })
  return { user }
}
