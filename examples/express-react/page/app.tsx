import { useMutation, useQuery } from '@tanstack/react-query'
import { Poll } from './poll.tsx'
import { refreshUser, trpc } from './trpc.ts'

export function App() {
  const { data: user, error, refetch } = useQuery(trpc.me.queryOptions())
  if (user) return <Poll key={user} user={user} />
  if (user === null) return <SignIn />
  return (
    <main>
      <h1>Where do we eat?</h1>
      <p role="status">{error ? 'The server does not answer.' : 'Loading…'}</p>
      {error && (
        <button type="button" onClick={() => void refetch()}>
          Try again
        </button>
      )}
    </main>
  )
}

function SignIn() {
  const { mutate, isPending, error } = useMutation(
    trpc.signIn.mutationOptions({ onSuccess: refreshUser }),
  )
  return (
    <main>
      <h1>Where do we eat?</h1>
      <p>Sign in, and see all votes as they are cast.</p>
      <form action={(form) => mutate(`${form.get('name')}`)}>
        <input
          name="name"
          aria-label="Your name"
          placeholder="Your name"
          required
          maxLength={40}
          autoComplete="username"
        />
        <button type="submit" className="primary" disabled={isPending}>
          Sign in
        </button>
      </form>
      {error && <p role="alert">{error.message}</p>}
      <p className="hint">An example: any name will do, and there is no password.</p>
    </main>
  )
}
