import { cookies, headers } from 'next/headers'
import { database } from './database.ts'

const name = 'session'

/** The user of a request, and functions to sign in and out. */
export interface Session {
  /** `undefined` if not signed in. */
  readonly user: string | undefined
  open(user: string): void
  close(): void
}

/**
 * Returns the session of the request's cookie. Pages can only read it; route handlers can change
 * it.
 */
export async function currentSession(): Promise<Session> {
  const jar = await cookies()
  const isSecure = (await headers()).get('x-forwarded-proto') === 'https'
  const secret = jar.get(name)?.value
  return {
    user: secret && database.userOf(secret),
    open(user) {
      jar.set(name, database.openSession(user), {
        // Hidden from scripts, and sent from other sites only when a user follows a link.
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        path: '/',
        maxAge: 30 * 24 * 60 * 60,
      })
    },
    close() {
      if (secret) database.closeSession(secret)
      jar.delete(name)
    },
  }
}
