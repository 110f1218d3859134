import { isPlainObject } from '@trpc-sse/protocol'

/** An input, and the position that it contained. */
export interface SplitInput {
  readonly input: unknown
  readonly lastEventId: string | undefined
}

/**
 * Removes the `lastEventId` from an input. Apps put it there, and so does tRPC's `retryLink`. The
 * link sends it beside the input, and servers, including tRPC's, merge it back in. So an old id
 * never travels with a newer one, and inputs that can't hold an id stay unchanged.
 */
export function splitInput(input: unknown): SplitInput {
  const { lastEventId, ...rest } = isPlainObject(input) ? input : {}
  if (typeof lastEventId !== 'string' || lastEventId === '')
    return { input, lastEventId: undefined }
  // `retryLink` turns an undefined input into an object.
  return { input: Object.keys(rest).length > 0 ? rest : undefined, lastEventId }
}
