import { cookies, headers } from 'next/headers'
import { database } from './database.ts'

const name = 'session'

/** Who asks, and how to change that. */
export interface Session {
  /** `undefined` for who is not signed in. */
  readonly user: string | undefined
  open(user: string): void
  close(): void
}

/** The session that the request's cookie names: for pages, which can only read it, and for route handlers. */
export async function currentSession(): Promise<Session> {
  const jar = await cookies()
  const isSecure = (await headers()).get('x-forwarded-proto') === 'https'
  const secret = jar.get(name)?.value
  return {
    user: secret && database.userOf(secret),
    open(user) {
      jar.set(name, database.openSession(user), {
        // No script can read it, and no other site's request carries it but a link.
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
