import type { Backend, ChannelLog, EventId, LogPage, ReadFrom, StoredEvent } from '@trpc-sse/server'

const pageBounds = { limit: 256, maxBytes: 1_048_576 }

/** Yields up to `limit` events of a log from a position, page by page, up to its end. */
export async function* readEvents(
  backend: Backend,
  log: ChannelLog,
  { from, limit }: { readonly from: ReadFrom; readonly limit: number },
): AsyncGenerator<StoredEvent, EventId> {
  let next = from
  let left = limit
  for (;;) {
    const bounds = { ...pageBounds, limit: Math.min(left, pageBounds.limit) }
    const page: LogPage = await backend.read(log, { ...next, ...bounds })
    yield* page.events
    left -= page.events.length
    const end = page.events.at(-1)?.id
    if (end === undefined) return 'after' in next ? next.after : page.lastEventId
    if (end === page.lastEventId || left <= 0) return end
    next = { after: end }
  }
}
