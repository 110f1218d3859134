import { trpc } from '../live/client.ts'
import { session, stored, storeSession } from './session.ts'

/** Signs in under a name, and starts the page again, so that nothing of the last user is left. */
export async function signIn(name: string): Promise<void> {
  await startSession(name)
  location.reload()
}

/** Signs a new visitor in under a free name. Only one tab does so, and the others follow. */
export async function signInNewVisitor(): Promise<void> {
  if (session.get().status !== 'none') return
  const locks: LockManager | undefined = navigator.locks
  if (locks) await locks.request('demo-sign-in', signInOnce)
  else await signInOnce()
}

async function signInOnce(): Promise<void> {
  const byOtherTab = stored()
  if (byOtherTab.status === 'none') await startSession()
  else storeSession(byOtherTab)
}

async function startSession(name?: string): Promise<void> {
  const started = await trpc.account.signIn.mutate(name === undefined ? {} : { name })
  storeSession({ status: 'signed-in', ...started })
}
