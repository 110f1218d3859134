import { RealtimeError } from '@trpc-sse/protocol'
import type { Backend } from './backend.ts'

/** A backend that supports entries. */
export type EntriesBackend = Backend & Required<Pick<Backend, 'change' | 'entries'>>

/** Throws `INVALID_OPTION` for a backend that doesn't support entries. Returns all others. */
export function toEntriesBackend(backend: Backend): EntriesBackend {
  if (hasEntries(backend)) return backend
  const message =
    'The backend has no `change` and `entries`, so it can’t keep runs and state channels. Use one that has: memoryBackend() or redisBackend().'
  throw new RealtimeError('INVALID_OPTION', message)
}

function hasEntries(backend: Backend): backend is EntriesBackend {
  return backend.change !== undefined && backend.entries !== undefined
}
