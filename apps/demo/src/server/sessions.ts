import { TRPCError } from '@trpc/server'
import { z } from 'zod'
import { channels } from './channels.ts'

/** A user on one device, from sign-in to sign-out. */
export interface Session {
  /** The user's id. The demo has no passwords: whoever gives the same name is the same user. */
  readonly user: string
  readonly name: string
  readonly device: string
  /** How often the user had been signed out everywhere when this session began. */
  readonly signOuts: number
}

/** A name to sign in with. */
export const nameSchema = z.string().trim().min(1).max(40)

const tokenSchema = z.object({ name: nameSchema, device: z.string(), signOuts: z.number() })

/** Starts a session. Returns its token. A real app signs its tokens, or stores them. */
export async function startSession(name: string): Promise<string> {
  const signOuts = await signOutsOf(userOf(name))
  return encodeURIComponent(JSON.stringify({ name, device: crypto.randomUUID(), signOuts }))
}

/**
 * Reads the session of a request; `undefined` for a guest. Throws UNAUTHORIZED if the session has
 * ended. This runs for each request and each new stream, on any instance.
 */
export async function sessionOf(authorization: string | undefined): Promise<Session | undefined> {
  if (authorization === undefined) return undefined
  const { name, device, signOuts } = readToken(authorization.replace('Bearer ', ''))
  const user = userOf(name)
  if (signOuts < (await signOutsOf(user))) throw ended('You were signed out everywhere.')
  return { user, name, device, signOuts }
}

/** Ends all sessions of a user: from now on, their tokens are refused. */
export async function endSessions(user: string): Promise<void> {
  await channels.signOuts({ user }).update('count', (count = 0) => count + 1)
}

async function signOutsOf(user: string): Promise<number> {
  const { entries } = await channels.signOuts({ user }).entries()
  return new Map(entries).get('count') ?? 0
}

/** Returns the id of the user with a name. */
export function userOf(name: string): string {
  return name.toLowerCase()
}

function readToken(token: string): z.infer<typeof tokenSchema> {
  try {
    return tokenSchema.parse(JSON.parse(decodeURIComponent(token)))
  } catch {
    throw ended('Your session can’t be read.')
  }
}

function ended(message: string): TRPCError {
  return new TRPCError({ code: 'UNAUTHORIZED', message })
}
