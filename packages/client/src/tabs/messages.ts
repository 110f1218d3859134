import type { RealtimeErrorCode, WantedSubscription } from '@trpc-sse/protocol'

// Members of a channel have the same version of these messages, by the channel's name. Any page of
// the origin can post there, so what isn't one of these messages is ignored. That is no defence
// against a forged message: pages of one origin can do worse to each other.

/** What all tabs of a group receive. */
export type GroupMessage =
  /** A follower wants a stream; sent again if nobody answers. */
  | { readonly type: 'open'; readonly id: string; readonly body: string }
  /** This leader leads from now on. */
  | { readonly type: 'lead'; readonly leader: string }

/** What a follower sends to its leader, on the channel of its stream. */
export type FollowerMessage =
  /** Asks for a sign of life. */
  | { readonly type: 'probe' }
  /** How many characters have arrived since the last such message. */
  | { readonly type: 'read'; readonly length: number }
  /** A control request. */
  | { readonly type: 'control'; readonly body: string }

/** What a leader sends to a follower, on the channel of its stream. */
export type LeaderMessage = { readonly leader: string } & (
  | { readonly type: 'here' }
  /** The next part of the stream. */
  | { readonly type: 'text'; readonly text: string }
  /** The stream ends; the follower opens another one at once. */
  | { readonly type: 'handover' }
  /** The server doesn't know multiplexed mode. */
  | { readonly type: 'unknown' }
  /** The stream failed, or could not be opened. */
  | {
      readonly type: 'failed'
      readonly code: RealtimeErrorCode
      readonly message: string
      readonly status: number | undefined
    }
)

/** The fields that a message must have, by its type: texts, except for the length, a count. */
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
    text: ['leader', 'text'],
    handover: ['leader'],
    unknown: ['leader'],
    failed: ['leader', 'code', 'message'],
  })

function reader<TMessage extends { readonly type: string }>(
  fields: Fields<TMessage>,
): (value: unknown) => TMessage | undefined {
  return (value) => {
    const message: Readonly<Record<string, unknown>> = Object(value)
    const { type } = message
    if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return undefined
    const isRight = (name: string): boolean =>
      name === 'length' ? isCount(message[name]) : typeof message[name] === 'string'
    return fields[type as TMessage['type']].every(isRight) ? (value as TMessage) : undefined
  }
}

/** Counts must be ones: no sum is ever above a bound again once NaN was added to it. */
function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/**
 * Reads the subscriptions of a request's body, as the link of another tab wrote it; `undefined` for
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
