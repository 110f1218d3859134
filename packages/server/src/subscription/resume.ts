import { RealtimeError } from '@trpc-sse/protocol'
import { callContextOf } from './call-context.ts'
import { badRequest } from './errors.ts'
import type { LiveOptions } from './options.ts'

/**
 * Finds the id to resume from: the client's own, else the one in the options, else the one in the
 * input. Rejects with BAD_REQUEST for an id that is no string.
 */
export async function findLastEventId(options: LiveOptions): Promise<string | undefined> {
  const id =
    callContextOf(options)?.lastEventId ||
    // tRPC's own adapters put the id into the raw input, and most schemas drop it.
    ('getRawInput' in options && typeof options.getRawInput === 'function'
      ? idOf(await options.getRawInput())
      : '') ||
    options.lastEventId ||
    idOf(options.input)
  if (typeof id === 'string') return id === '' ? undefined : id
  if (id === null || id === undefined) return undefined
  throw badRequest(
    new RealtimeError(
      'INVALID_LAST_EVENT_ID',
      'lastEventId must be a string. Send the id as it was received.',
    ),
  )
}

/** Whether options tell where the client resumes, even if it has no id yet. */
export function knowsCall(options: LiveOptions): boolean {
  return (
    callContextOf(options) !== undefined ||
    'getRawInput' in options ||
    'lastEventId' in options ||
    idOf(options.input) !== undefined
  )
}

function idOf(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'lastEventId' in input
    ? input.lastEventId
    : undefined
}
