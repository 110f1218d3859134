'use client'

import { useTRPCClient } from './trpc.tsx'
import { useSessionChange } from './use-session-change.ts'

/** Shown to users who are not signed in, or no longer. */
export function SignIn({ why, onSignedIn }: { why?: string; onSignedIn?: () => void }) {
  const client = useTRPCClient()
  const { change, isPending, failure } = useSessionChange()
  function signIn(form: FormData): void {
    change(async () => {
      await client.signIn.mutate({ name: `${form.get('name')}` })
      onSignedIn?.()
    })
  }
  return (
    <section className="card">
      <h1>To-dos</h1>
      <p role="status">{why ?? 'Sign in to see your list, live on all your devices.'}</p>
      <form className="row" action={signIn}>
        <input
          name="name"
          aria-label="Your name"
          placeholder="Your name"
          required
          maxLength={40}
          autoComplete="username"
        />
        <button type="submit" className="primary" disabled={isPending}>
          {isPending ? 'Signing in…' : 'Sign in'}
        </button>
      </form>
      {failure && <p role="alert">{failure}</p>}
      <p className="hint">An example: any name will do, and there is no password.</p>
      <noscript>
        <p className="hint">Signing in needs JavaScript.</p>
      </noscript>
    </section>
  )
}
