import { encode } from '@trpc-sse/protocol'
import type { SubscriptionFrame } from '../wire/frame.ts'

/** Writes a frame as the server does, with the follower's key for the subscription. */
export function writeFrame(key: string, { type, id, ...data }: SubscriptionFrame): string {
  return encode({
    ...('data' in data
      ? { event: key, data: data.data }
      : { event: `$${type}`, data: JSON.stringify({ ...data, key }) }),
    ...(id !== undefined && { id }),
  })
}
