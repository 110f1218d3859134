import { useMutation } from '@tanstack/react-query'
import { type LiveStatus, useLive } from '@trpc-sse/react'
import { useEffect, useState } from 'react'
import { type Choice, choices } from '../choices.ts'
import { client, refreshUser, trpc } from './trpc.ts'

const words: Record<LiveStatus, string> = {
  connecting: 'Connecting…',
  pending: 'Live',
  idle: 'Not live',
  complete: 'Not live',
  error: 'Not live',
}

export function Poll({ user }: { user: string }) {
  // The snapshot is a list with one vote per user, and each event replaces the vote of its user.
  const { data, status, error, optimistic } = useLive(trpc.onVotes.subscriptionOptions(), {
    key: (vote) => vote.user,
  })
  const [failure, setFailure] = useState<string>()
  const signOut = useMutation(trpc.signOut.mutationOptions({ onSuccess: refreshUser }))

  // Signed out in another window: the server ended the stream, and refuses a new one.
  const isSignedOut = error?.data?.code === 'UNAUTHORIZED'
  useEffect(() => {
    if (isSignedOut) void refreshUser()
  }, [isSignedOut])

  function vote(choice: Choice): void {
    setFailure(undefined)
    const sent = client.vote.mutate(choice)
    optimistic({ user, choice }, sent) // shown at once, and removed if the mutation fails
    sent.catch(() => setFailure('Your vote was not counted. Try again when you are online.'))
  }

  return (
    <main>
      <header>
        <h1>Where do we eat?</h1>
        <p className="pill" role="status" data-status={error ? 'error' : status}>
          {status === 'connecting' && error ? 'Offline' : words[status]}
        </p>
      </header>
      {error && status === 'connecting' && (
        <p role="alert">You see old votes. New ones arrive when you are back online.</p>
      )}
      {failure && <p role="alert">{failure}</p>}
      {choices.map((choice) => {
        const voters = data?.flatMap((vote) => (vote.choice === choice ? [vote.user] : []))
        const share = voters && data?.length ? voters.length / data.length : 0
        const isOwn = voters?.includes(user) ?? false
        return (
          <ChoiceButton
            key={choice}
            choice={choice}
            voters={voters}
            share={share}
            isOwn={isOwn}
            onClick={() => vote(choice)}
          />
        )
      })}
      <footer>
        <span>You are {user}. Vote again to change your mind.</span>
        <button type="button" disabled={signOut.isPending} onClick={() => signOut.mutate()}>
          Sign out
        </button>
      </footer>
    </main>
  )
}

interface ChoiceButtonProps {
  choice: Choice
  /** `undefined` while the votes are loading. */
  voters: readonly string[] | undefined
  /** The part of all votes, from 0 to 1. */
  share: number
  isOwn: boolean
  onClick(): void
}

function ChoiceButton({ choice, voters, share, isOwn, onClick }: ChoiceButtonProps) {
  return (
    <button
      type="button"
      className="choice"
      aria-pressed={isOwn}
      disabled={!voters}
      onClick={onClick}
      style={{ '--share': share }}
    >
      <strong>{choice}</strong>
      <span className="count">{voters?.length ?? '–'}</span>
      <span className="voters">{voters?.join(', ') || (voters ? 'Nobody yet' : 'Loading…')}</span>
    </button>
  )
}
