import { createStore, type Store, useStore } from '../live/store.ts'

/** The user of this browser. All tabs share the session. */
export type Session =
  | { readonly status: 'none' }
  | {
      readonly status: 'signed-in'
      readonly user: string
      readonly name: string
      readonly token: string
    }
  | {
      readonly status: 'signed-out'
      readonly name: string
      /** The error that ended the session. */
      readonly code: string
      readonly message: string
    }

/** The error of a request that was refused because of its session. */
export interface Refusal {
  readonly code: string
  readonly message: string
}

const key = 'session'
const current = createStore<Session>(stored())

export const session: Pick<Store<Session>, 'get' | 'subscribe'> = current

/** Returns the token to send; `undefined` for a guest. */
export function token(): string | undefined {
  const now = current.get()
  return now.status === 'signed-in' ? now.token : undefined
}

/** Reads the user's id and name in a component; both are empty for a guest. */
export function useUser(): { readonly user: string; readonly name: string } {
  const now = useStore(session)
  return now.status === 'signed-in' ? now : { user: '', name: '' }
}

/** Stores a session for all tabs of the browser. */
export function storeSession(next: Session): void {
  localStorage.setItem(key, JSON.stringify(next))
  current.set(next)
}

/** Ends the session of a token, in all tabs: the server refuses it. */
export function endSession(refused: string | undefined, { code, message }: Refusal): void {
  const now = current.get()
  // An answer to an older session says nothing about this one.
  if (now.status === 'signed-in' && now.token === refused)
    storeSession({ status: 'signed-out', name: now.name, code, message })
}

/** Follows what other tabs store: a sign-out, or another user. */
export function watchSession(): void {
  addEventListener('storage', (event) => {
    if (event.key !== key) return
    const next = stored()
    if (next.status !== 'signed-in') current.set(next)
    else if (next.token !== token()) location.reload()
  })
}

/** Reads the session from before a reload. */
export function stored(): Session {
  const text = localStorage.getItem(key)
  return text === null ? { status: 'none' } : JSON.parse(text)
}
