import { TRPCClientError } from '@trpc/client'
import type { AppRouter } from '../server/router.ts'

interface FailureProps {
  readonly error: Error
  readonly onRetry: () => void
}

export function Failure({ error, onRetry }: FailureProps) {
  return (
    <div role="alert">
      <p>{textOf(error)}</p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  )
}

function textOf(error: Error): string {
  const code = isTRPCError(error) ? error.data?.code : undefined
  if (code === 'UNPROCESSABLE_CONTENT') return `Failed. ${error.message}`
  if (code === 'CONFLICT') return 'Abandoned. The server that answered is gone.'
  if (code === 'NOT_FOUND') return 'Not answered. The server stopped before it began.'
  if (code === 'PRECONDITION_FAILED') return 'Lost. Without Redis, chats are in memory.'
  return `Not sent. ${error.message}`
}

function isTRPCError(error: Error): error is TRPCClientError<AppRouter> {
  return error instanceof TRPCClientError
}
