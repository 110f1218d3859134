import type { RealtimeErrorCode, WantedSubscription } from '@trpc-sse/protocol'

// Members of a channel have the same version of this, by its name. But any page of the origin can post there: what isn't
// one of these messages is ignored. It is no defence against a forged one; pages of an origin can do worse to each other.

/** What all tabs of a group hear. */
export type GroupMessage =
  /** A guest wants a stream; again, if nobody answers. */
  | { readonly type: 'open'; readonly id: string; readonly body: string }
  /** This host leads from now on. */
  | { readonly type: 'lead'; readonly host: string }

/** What a guest says to its host, on the channel of its stream. */
export type FollowerMessage =
  /** Is anybody there? */
  | { readonly type: 'probe' }
  /** So many characters have arrived. */
  | { readonly type: 'read'; readonly length: number }
  /** A control request. */
  | { readonly type: 'control'; readonly body: string }

/** What a host says to a guest, on the channel of its stream. */
export type LeaderMessage = { readonly host: string } & (
  | { readonly type: 'here' }
  /** The stream goes on. */
  | { readonly type: 'text'; readonly text: string }
  /** The stream ends; another one can be had at once. */
  | { readonly type: 'moved' }
  /** The server doesn't know multiplexed mode. */
  | { readonly type: 'unknown' }
  /** The stream ends, or can't be had. */
  | {
      readonly type: 'failed'
      readonly code: RealtimeErrorCode
      readonly message: string
      readonly status: number | undefined
    }
)

/** What a message must have to be one of a channel, by its type: texts, but for the length. */
type Fields<TMessage extends { readonly type: string }> = {
  readonly [TType in TMessage['type']]: readonly string[]
}

/** Reads what was said to a group; `undefined` for anything else. */
export const readGroupMessage: (value: unknown) => GroupMessage | undefined = reader<GroupMessage>({
  open: ['id', 'body'],
  lead: ['host'],
})

/** Reads what a guest has said; `undefined` for anything else. */
export const readFollowerMessage: (value: unknown) => FollowerMessage | undefined = reader<FollowerMessage>({
  probe: [],
  read: ['length'],
  control: ['body'],
})

/** Reads what a host has said; `undefined` for anything else. */
export const readLeaderMessage: (value: unknown) => LeaderMessage | undefined = reader<LeaderMessage>({
  here: ['host'],
  text: ['host', 'text'],
  moved: ['host'],
  unknown: ['host'],
  failed: ['host', 'code', 'message'],
})

function reader<TMessage extends { readonly type: string }>(
  fields: Fields<TMessage>,
): (value: unknown) => TMessage | undefined {
  return (value) => {
    const message: Readonly<Record<string, unknown>> = Object(value)
    const { type } = message
    if (typeof type !== 'string' || !Object.hasOwn(fields, type)) return undefined
    const isRight = (name: string): boolean =>
      typeof message[name] === (name === 'length' ? 'number' : 'string')
    return fields[type as TMessage['type']].every(isRight) ? (value as TMessage) : undefined
  }
}

/** Reads the set in the body of a request, as the link of another tab has written it; `undefined` for anything else. */
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
