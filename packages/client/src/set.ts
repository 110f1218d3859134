import type { Operation } from '@trpc/client'
import { createEntry, type Member } from './entry.ts'
import { type CallLine, createLines } from './lines.ts'
import type { Positions } from './positions.ts'
import type { Endpoint, Wanted } from './request.ts'
import type { ReadErrorBody } from './response.ts'
import { createSharedStream } from './shared-stream.ts'
import type { StreamSettings } from './stream.ts'

/** A subscription that the app wants. */
export interface WantedCall extends Wanted {
  readonly op: Operation
}

/** What a set runs on. */
export interface SetOptions extends StreamSettings {
  readonly lingerMs: number
  readonly positions: Positions
  readonly endpoint: (opList: [Operation, ...Operation[]]) => Promise<Endpoint>
  readonly readErrorBody: ReadErrorBody
  /** The server doesn't know this mode. Called before all members are sent on their own ways. */
  readonly onUnknown: (status: number) => void
}

/** All subscriptions of a link, on one stream. */
export interface SubscriptionSet {
  /**
   * Adds a subscription; returns what takes it away. It runs as if it were alone, and is one on the wire with
   * those of the same path and input that stand at the same place.
   */
  join(call: WantedCall, member: Member): () => void
}

/** Creates an empty set. It has a stream while something is wanted. */
export function createSet(options: SetOptions): SubscriptionSet {
  const lines = createLines()
  const stream = createSharedStream(options, lines)

  function remove(line: CallLine): void {
    lines.delete(line)
    if (lines.like(line.identity).length === 0) options.positions.save(line.identity, undefined)
    stream.changed()
  }

  function add(identity: string, call: WantedCall): CallLine {
    const { positions } = options
    const isAlone = lines.like(identity).length === 0
    const entry = createEntry({
      ...options,
      lastEventId: call.lastEventId ?? (isAlone ? positions.load(identity) : undefined),
      onMove() {
        positions.save(identity, line.feed.lastEventId())
        lines.merge(line)
      },
      onAdvanced: stream.advanced,
      askedWaitMs: stream.askedWaitMs,
      onEnded: () => stream.forget(line),
      onRetry: stream.changed,
      onOver: () => remove(line),
    })
    const line: CallLine = { ...entry, identity, call }
    lines.add(line)
    return line
  }

  return {
    join(call, member) {
      const identity = JSON.stringify([call.path, call.inputJson])
      const line = lines.like(identity).find((one) => canShare(one, call)) ?? add(identity, call)
      line.join(member)
      stream.changed()
      return () => {
        for (const one of lines.like(identity)) one.leave(member)
      }
    },
  }
}

/** Whether a subscription would get exactly what the line gets from now on. */
function canShare({ call, feed, isFresh }: CallLine, { lastEventId }: WantedCall): boolean {
  if (isFresh() && call.lastEventId === lastEventId) return true
  return lastEventId !== undefined && feed.standsAt(lastEventId)
}
