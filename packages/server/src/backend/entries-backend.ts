import { RealtimeError } from '@trpc-sse/protocol'
import type { Backend } from './backend.ts'

/** A backend that keeps entries. */
export type EntriesBackend = Backend & Required<Pick<Backend, 'change' | 'entries'>>

/** Returns the backend as one that keeps entries. Throws `INVALID_OPTION` if it doesn't. */
export function toEntriesBackend(backend: Backend): EntriesBackend {
  if (hasEntries(backend)) return backend
  const message =
    'The backend has no `change` and `entries`, so it can’t keep runs and state channels. Use one that has: memoryBackend() or redisBackend().'
  throw new RealtimeError('INVALID_OPTION', message)
}

function hasEntries(backend: Backend): backend is EntriesBackend {
  return backend.change !== undefined && backend.entries !== undefined
}
