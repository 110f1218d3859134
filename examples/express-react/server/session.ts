import { randomUUID } from 'node:crypto'
import type { CreateExpressContextOptions } from '@trpc-sse/server/adapters/express'

/** The user of a request, and functions to sign in and out. */
export interface Session {
  /** `undefined` if not signed in. */
  readonly user: string | undefined
  signIn(user: string): void
  signOut(): void
}

/** The user of each session. In your app, it is in the database. */
const users = new Map<string, string>()

/** Reads the session of the request's cookie. Requests for streams have it, too. */
export function readSession({ req, res }: CreateExpressContextOptions): Session {
  const session = `${req.cookies.session}`
  return {
    user: users.get(session),
    signIn(user) {
      const session = randomUUID()
      users.set(session, user)
      // Hidden from scripts, and sent from other sites only when a user follows a link.
      res.cookie('session', session, { httpOnly: true, sameSite: 'lax', secure: req.secure })
    },
    signOut() {
      users.delete(session)
      res.clearCookie('session')
    },
  }
}
