import type { RealtimeErrorCode, WantedSubscription } from '@trpc-sse/protocol'

// The channel's name ensures that its members use the same version of these messages. Any page of
// the origin can post there, so other messages are ignored. Forged messages aren't detected: pages
// of one origin can do worse to each other.

/** A message to all tabs of a group. */
export type GroupMessage =
  /** A follower wants a stream. Sent again if no tab answers. */
  | { readonly type: 'open'; readonly id: string; readonly body: string }
  /** This leader leads from now on. */
  | { readonly type: 'lead'; readonly leader: string }

/** A message of a follower to its leader, on the channel of its stream. */
export type FollowerMessage =
  /** Checks whether the leader is alive. */
  | { readonly type: 'probe' }
  /** The number of characters that have arrived since the last such message. */
  | { readonly type: 'read'; readonly length: number }
  /** A control request. */
  | { readonly type: 'control'; readonly body: string }

/** A message of a leader to a follower, on the channel of its stream. */
export type LeaderMessage = { readonly leader: string } & (
  | { readonly type: 'here' }
  /**
   * The next part of the stream, numbered from 1. Browsers can lose messages: Chromium does while a
   * debugger pauses the page. A hole in the numbers shows the loss.
   */
  | { readonly type: 'text'; readonly number: number; readonly text: string }
  /** The stream ends. The follower opens another one at once. */
  | { readonly type: 'handover' }
  /** The server doesn't know multiplexed mode. */
  | { readonly type: 'unknown' }
  /**
   * The stream failed, or could not be opened. With `delayed`, the leader tries again, and the
   * follower keeps waiting.
   */
  | {
      readonly type: 'failed' | 'delayed'
      readonly code: RealtimeErrorCode
      readonly message: string
      readonly status: number | undefined
    }
)

/** The fields that a message must have, by its type. All are strings, except the counts. */
type Fields<TMessage extends { readonly type: string }> = {
  readonly [TType in TMessage['type']]: readonly string[]
}

/** Reads a message to a group; `undefined` for anything else. */
export const readGroupMessage: (value: unknown) => GroupMessage | undefined = reader<GroupMessage>({
  open: ['id', 'body'],
  lead: ['leader'],
})

/** Reads a follower's message; `undefined` for anything else. */
export const readFollowerMessage: (value: unknown) => FollowerMessage | undefined =
  reader<FollowerMessage>({
    probe: [],
    read: ['length'],
    control: ['body'],
  })

/** Reads a leader's message; `undefined` for anything else. */
export const readLeaderMessage: (value: unknown) => LeaderMessage | undefined =
  reader<LeaderMessage>({
    here: ['leader'],
    text: ['leader', 'number', 'text'],
    handover: ['leader'],
    unknown: ['leader'],
    failed: ['leader', 'code', 'message'],
    delayed: ['leader', 'code', 'message'],
  })

function reader<TMessage extends { readonly type: string }>(
  fields: Fields<TMessage>,
): (value: unknown) => TMessage | undefined {
  return (value) => {
    const message: Readonly<Record<string, unknown>> = Object(value)
    const { type } = message
    if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return undefined
    const isRight = (name: string): boolean =>
      name === 'length' || name === 'number'
        ? isCount(message[name])
        : typeof message[name] === 'string'
    return fields[type as TMessage['type']].every(isRight) ? (value as TMessage) : undefined
  }
}

/** Rejects NaN: a sum with NaN would never exceed a bound again. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/**
 * Reads the subscriptions from a request's body that the link of another tab wrote; `undefined` for
 * anything else.
 */
export function readSubscriptions(
  body: string,
): ReadonlyMap<string, WantedSubscription> | undefined {
  try {
    const subscriptions = Object.entries<unknown>(JSON.parse(body).subscriptions)
    return subscriptions.every(isWanted) ? new Map(subscriptions) : undefined
  } catch {
    return undefined
  }
}

function isWanted(
  entry: readonly [key: string, wanted: unknown],
): entry is [string, WantedSubscription] {
  const [key, wanted] = entry
  const { path, lastEventId = '' } = Object(wanted)
  return /^[\w-]{1,64}$/.test(key) && typeof path === 'string' && typeof lastEventId === 'string'
}
