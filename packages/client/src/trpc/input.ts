import { isPlainObject } from '@trpc-sse/protocol'

/** An input, and the position that it contained. */
export interface SplitInput {
  readonly input: unknown
  readonly lastEventId: string | undefined
}

/**
 * Takes the `lastEventId` out of an input: apps put it there, and so does tRPC's `retryLink`. The
 * link sends it beside the input, and servers put it back in (tRPC's too). So an older id never
 * travels with a newer one, and inputs that can't hold an id stay as they are.
 */
export function splitInput(input: unknown): SplitInput {
  const { lastEventId, ...rest } = isPlainObject(input) ? input : {}
  if (typeof lastEventId !== 'string' || lastEventId === '')
    return { input, lastEventId: undefined }
  // `retryLink` turns an input that is no object into one.
  return { input: Object.keys(rest).length > 0 ? rest : undefined, lastEventId }
}
