/** An event as the page keeps it. */
export interface LiveEvent<TEvent> {
  readonly id: string
  readonly data: TEvent
  /** Whether it was published while this page was disconnected. */
  readonly late: boolean
}

/** Counts of a subscription's events. */
export interface Counts {
  readonly received: number
  /** In the log but never received. Must stay 0. */
  readonly missing: number
  /** Received more than once. Must stay 0. */
  readonly repeated: number
  /** Times the server reported that events are no longer available. */
  readonly gaps: number
}

/** The state of a subscription. */
export interface SubscriptionState<TEvent> {
  /** `lost`: it was live, or its first attempt failed, and it is connecting again. */
  readonly connection: 'connecting' | 'live' | 'lost' | 'completed' | 'failed'
  /** The newest events, oldest first. */
  readonly events: ReadonlyArray<LiveEvent<TEvent>>
  readonly lastEventId: string | undefined
  readonly counts: Counts
  /** When it first went live, in milliseconds since 1970. */
  readonly firstLiveAt: number | undefined
  /** When it last went live, in milliseconds since 1970. */
  readonly liveAt: number | undefined
}

/** The changes of a subscription. */
export type SubscriptionChange<TEvent> =
  | { readonly type: 'live'; readonly at: number }
  | { readonly type: 'lost' | 'completed' | 'failed' }
  | { readonly type: 'event'; readonly event: LiveEvent<TEvent>; readonly keep: number }
  | {
      readonly type: 'count'
      readonly what: 'missing' | 'repeated' | 'gaps'
      readonly times: number
    }

export const initialState: SubscriptionState<never> = {
  connection: 'connecting',
  events: [],
  lastEventId: undefined,
  counts: { received: 0, missing: 0, repeated: 0, gaps: 0 },
  firstLiveAt: undefined,
  liveAt: undefined,
}

/** Returns the state after a change. */
export function next<TEvent>(
  state: SubscriptionState<TEvent>,
  change: SubscriptionChange<TEvent>,
): SubscriptionState<TEvent> {
  switch (change.type) {
    case 'live': {
      const firstLiveAt = state.firstLiveAt ?? change.at
      return { ...state, connection: 'live', liveAt: change.at, firstLiveAt }
    }
    case 'lost':
    case 'completed':
    case 'failed':
      return { ...state, connection: change.type }
    case 'event':
      return {
        ...state,
        events: [...state.events, change.event].slice(-change.keep),
        lastEventId: change.event.id,
        counts: add(state.counts, 'received', 1),
      }
    case 'count':
      return { ...state, counts: add(state.counts, change.what, change.times) }
  }
}

function add(counts: Counts, what: keyof Counts, times: number): Counts {
  return { ...counts, [what]: counts[what] + times }
}
