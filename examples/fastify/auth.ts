import { TRPCError } from '@trpc/server'
import type { CreateFastifyContextOptions } from '@trpc-sse/server/adapters/fastify'

/** Who has which token. It belongs in your database, or in a signed token. */
const users = new Map([
  ['token-of-ann', 'ann'],
  ['token-of-bob', 'bob'],
])

/** Refuses every request without a good token, streams too: the answer is 401. */
export function createContext({ req }: CreateFastifyContextOptions): { user: string } {
  const user = users.get(req.headers.authorization?.replace('Bearer ', '') ?? '')
  if (user === undefined) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'No such token.' })
  return { user }
}
