import { type FormEvent, useState } from 'react'
import { Brand } from '../header/brand.tsx'
import { ThemeButton } from '../header/theme-button.tsx'
import { useStore } from '../live/store.ts'
import { Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { useAction } from '../ui/use-action.ts'
import { type Refusal, session } from './session.ts'
import { signIn } from './sign-in.ts'

/** The screen without a session: why it ended, and the way back in. */
export function SignedOut() {
  const now = useStore(session)
  return (
    <>
      <header className="top">
        <Brand />
        <div className="top-middle" />
        <ThemeButton />
      </header>
      <main className="sign-in">
        <Card title={now.status === 'signed-out' ? 'You are signed out' : 'Sign in'}>
          {now.status === 'signed-out' && <Reason {...now} />}
          <SignInForm name={now.status === 'signed-out' ? now.name : ''} />
        </Card>
      </main>
    </>
  )
}

function Reason({ code, message }: Refusal) {
  return (
    <>
      <p className="outcome" data-tone="bad" role="alert">
        <code>{code}</code> <span>{message}</span>
      </p>
      <p className="hint">
        Every stream ended with this error, in all tabs and on all devices. None of them retries: a
        session that has ended doesn’t come back.
      </p>
    </>
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
