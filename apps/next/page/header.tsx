'use client'

import type { LiveStatus } from '@trpc-sse/react'
import { useTRPCClient } from './trpc.tsx'
import { useSessionChange } from './use-session-change.ts'

interface HeaderProps {
  readonly user: string
  readonly status: LiveStatus
  readonly error: { readonly message: string } | null
  onRetry(): void
}

/** Shows the list's owner, and whether the list is live. */
export function Header({ user, status, error, onRetry }: HeaderProps) {
  const client = useTRPCClient()
  const { change, isPending, failure } = useSessionChange()
  return (
    <>
      <header>
        <h1>{user}’s to-dos</h1>
        <p className="pill" role="status" data-status={error ? 'error' : status}>
          {wordFor(status, error !== null)}
        </p>
        <button
          type="button"
          disabled={isPending}
          onClick={() => change(() => client.signOut.mutate())}
        >
          Sign out
        </button>
      </header>
      {failure && <p role="alert">{failure}</p>}
      {error && (
        <p role="alert">
          {status === 'error'
            ? error.message
            : 'You see an old state of the list. It will update by itself.'}{' '}
          {status === 'error' && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
        </p>
      )}
    </>
  )
}

function wordFor(status: LiveStatus, hasFailed: boolean): string {
  if (status === 'pending') return 'Live'
  if (status === 'connecting') return hasFailed ? 'Offline' : 'Connecting…'
  return 'Not live'
}
