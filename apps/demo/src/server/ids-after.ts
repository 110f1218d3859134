import type { ChannelHandle } from '@trpc-sse/server'
import { z } from 'zod'

/** The id to look behind; without one, the newest events are meant. */
export const afterInput = z.object({ after: z.string().optional() })

/**
 * Reads from the log which events came after an id, or which the newest `last` are. The page counts what it
 * received against this: a second opinion, by another way than the stream.
 */
export async function idsAfter(
  handle: ChannelHandle<never, unknown>,
  after: string | undefined,
  last: number,
): Promise<string[]> {
  const { events } = await handle.history(after === undefined ? { last } : { after, limit: 5_000 })
  return events.map(({ id }) => id)
}
