import type { ChannelHandle } from '@trpc-sse/server'
import { z } from 'zod'

/** The id to start after. Without one, the newest events are listed. */
export const afterInput = z.object({ after: z.string().optional() })

/**
 * Lists the events after an id, or the newest `last`, from the log. The page compares the events
 * that it received with this list, which it gets over another connection.
 */
export async function idsAfter(
  handle: ChannelHandle<never, unknown>,
  after: string | undefined,
  last: number,
): Promise<string[]> {
  const { events } = await handle.history(after === undefined ? { last } : { after, limit: 5_000 })
  return events.map(({ id }) => id)
}
