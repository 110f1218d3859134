import { randomUUID } from 'node:crypto'
import type { CreateExpressContextOptions } from '@trpc-sse/server/adapters/express'

/** Who asks, and how to change that. */
export interface Session {
  /** `undefined` for who is not signed in. */
  readonly user: string | undefined
  signIn(user: string): void
  signOut(): void
}

/** Whose session is which. It belongs in your database. */
const users = new Map<string, string>()

/** Reads the session that the request's cookie names. Streams bring it, as every request does. */
export function readSession({ req, res }: CreateExpressContextOptions): Session {
  const session = `${req.cookies.session}`
  return {
    user: users.get(session),
    signIn(user) {
      const session = randomUUID()
      users.set(session, user)
      // No script can read it, and no other site's request carries it but a link.
      res.cookie('session', session, { httpOnly: true, sameSite: 'lax', secure: req.secure })
    },
    signOut() {
      users.delete(session)
      res.clearCookie('session')
    },
  }
}
