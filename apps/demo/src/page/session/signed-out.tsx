import { type FormEvent, useState } from 'react'
import { useStore } from '../live/store.ts'
import { Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { useAction } from '../ui/use-action.ts'
import { session } from './session.ts'
import { signIn } from './sign-in.ts'

/** The screen without a session: why it ended, and the way back in. */
export function SignedOut() {
  const now = useStore(session)
  return (
    <main className="sign-in">
      <Card title={now.status === 'signed-out' ? 'You are signed out' : 'Sign in'}>
        {now.status === 'signed-out' && (
          <>
            <p className="outcome" data-tone="bad" role="alert">
              <code>{now.code}</code> <span>{now.message}</span>
            </p>
            <p className="hint">
              Every stream ended with this error, in all tabs and on all devices. None of them
              retries: a session that has ended doesn’t come back.
            </p>
          </>
        )}
        <SignInForm name={now.status === 'signed-out' ? now.name : ''} />
      </Card>
    </main>
  )
}

function SignInForm({ name }: { readonly name: string }) {
  const [typed, setTyped] = useState(name)
  const enter = useAction(() => signIn(typed.trim()))
  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    enter.run()
  }
  return (
    <form className="sign-in-form" onSubmit={onSubmit}>
      <label>
        <span>Name</span>
        <input
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          maxLength={40}
          required={true}
          autoComplete="nickname"
          spellCheck={false}
        />
      </label>
      <button
        type="submit"
        className="button primary"
        disabled={typed.trim() === '' || enter.isRunning}
      >
        Sign in
      </button>
      <Problem>{enter.hasFailed && 'Not signed in. Try again when the server is back.'}</Problem>
      <p className="hint">No password. The same name on another device is the same user.</p>
    </form>
  )
}
