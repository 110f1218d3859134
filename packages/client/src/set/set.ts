import type { Operation } from '@trpc/client'
import type { StreamSettings } from '../stream/stream.ts'
import type { ReadErrorBody } from '../transport/response.ts'
import type { Endpoint, Wanted } from '../wire/request.ts'
import type { Positions } from './positions.ts'
import { type CallLine, createSharedStream } from './shared-stream.ts'
import { createEntry, type Member } from './shared-subscription.ts'

/** A subscription that the app wants. */
export interface WantedCall extends Wanted {
  readonly op: Operation
  /** Whether it has failed a while ago: what the app now says of the client may be what was wrong. */
  readonly hasFailed: boolean
}

/** What two subscriptions have in common that are the same. */
export function identityOf({ path, inputJson }: Pick<Wanted, 'path' | 'inputJson'>): string {
  return JSON.stringify([path, inputJson])
}

/** What a set runs on. */
export interface SetOptions extends StreamSettings {
  readonly lingerMs: number
  readonly positions: Positions
  readonly endpoint: (opList: [Operation, ...Operation[]]) => Promise<Endpoint>
  readonly readErrorBody: ReadErrorBody
  /** Finds the error of one subscription in the refusal of all; gives the refusal where that has none. */
  readonly readOwnError: (refusal: unknown, key: string) => unknown
  /** The server doesn't know this mode. Called before all members are sent on their own ways. */
  readonly onUnknown: (status: number) => void
  /** A stream in single mode is that of a server which knows this mode. */
  readonly onKnown: () => void
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
  const { positions } = options
  const lines = new Set<CallLine>()
  // Of each identity those that are the same subscription.
  const families = new Map<string, CallLine[]>()
  const stream = createSharedStream(options, lines)
  const familyOf = (identity: string): readonly CallLine[] => families.get(identity) ?? []

  function add(identity: string, call: WantedCall): CallLine {
    const elders = familyOf(identity)
    const entry = createEntry({
      ...options,
      lastEventId: call.lastEventId ?? (elders.length > 0 ? undefined : positions.load(identity)),
      onMove() {
        positions.save(identity, line.feed.lastEventId())
        merge(line)
      },
      askedWaitMs: stream.askedWaitMs,
      onEnded: () => stream.forget(line),
      onRetry: stream.changed,
      onOver: () => remove(line),
    })
    const line: CallLine = { ...entry, identity, call }
    lines.add(line)
    families.set(identity, [...elders, line])
    return line
  }

  function remove(line: CallLine): void {
    const { identity } = line
    const others = familyOf(identity).filter((other) => other !== line)
    lines.delete(line)
    families.set(identity, others)
    if (others.length === 0) {
      families.delete(identity)
      positions.save(identity, undefined)
    }
    stream.changed()
  }

  /** Makes one of two that are the same subscription and stand at the same place. */
  function merge({ identity, feed }: CallLine): void {
    const [elder, younger] = familyOf(identity).filter(
      ({ feed: other }) =>
        other.isSettled() &&
        other.source() === feed.source() &&
        other.lastEventId() === feed.lastEventId(),
    )
    if (younger) elder?.adopt(younger)
  }

  return {
    join(call, member) {
      const identity = identityOf(call)
      const line = familyOf(identity).find((one) => canShare(one, call)) ?? add(identity, call)
      line.join(member)
      stream.changed()
      return () => {
        for (const one of familyOf(identity)) one.leave(member)
      }
    },
  }
}

/** Whether a subscription would get exactly what the line gets from now on. */
function canShare({ call, feed, isFresh }: CallLine, { lastEventId }: WantedCall): boolean {
  if (isFresh() && call.lastEventId === lastEventId) return true
  return lastEventId !== undefined && feed.standsAt(lastEventId)
}
