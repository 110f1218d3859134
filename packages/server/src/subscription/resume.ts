import { RealtimeError } from '@trpc-sse/protocol'
import { callContextOf } from './call-context.ts'
import { badRequest } from './errors.ts'
import type { LiveOptions } from './options.ts'

/**
 * Returns the id to resume from. The client's own id comes first, then the one in the options, then
 * the one in the input. Rejects with BAD_REQUEST for an id that isn't a string.
 */
export async function findLastEventId(options: LiveOptions): Promise<string | undefined> {
  const id =
    callContextOf(options)?.lastEventId ||
    // tRPC's own adapters add the id to the raw input, but most schemas drop it.
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

/** Whether the options pass on the client's position. The client may not have one yet. */
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
