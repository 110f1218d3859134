import { type FormEvent, useState } from 'react'
import { Problem } from '../ui/action-button.tsx'
import { useAction } from '../ui/use-action.ts'
import { useUser } from './session.ts'
import { signIn } from './sign-in.ts'

/** Shows the user's name. Another name signs in as another user, in all tabs. */
export function NameField() {
  const { name } = useUser()
  const [typed, setTyped] = useState(name)
  const enter = useAction(() => signIn(typed.trim()))
  const isValid = typed.trim() !== ''
  const isNew = isValid && typed.trim() !== name

  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    if (isNew) enter.run()
  }

  return (
    <form className="author" onSubmit={onSubmit}>
      <label>
        <span>You are</span>
        <input
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={({ key }) => key === 'Escape' && setTyped(name)}
          maxLength={40}
          autoComplete="nickname"
          spellCheck={false}
          size={Math.max(6, typed.length)}
          aria-invalid={!isValid}
          aria-label="Your name"
        />
      </label>
      {isNew && (
        <button type="submit" className="button small" disabled={enter.isRunning}>
          Sign in
        </button>
      )}
      <Problem>{enter.hasFailed && 'Not signed in. Try again.'}</Problem>
    </form>
  )
}
