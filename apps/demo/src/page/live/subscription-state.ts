/** An event as the page keeps it. */
export interface LiveEvent<TEvent> {
  readonly id: string
  readonly data: TEvent
  /** Whether it was published while this page was away, and came later. */
  readonly late: boolean
}

/** What became of the events of a stream. */
export interface Counts {
  readonly received: number
  /** In the log, but never received: what must not happen. */
  readonly missing: number
  /** Received more than once: what must not happen. */
  readonly repeated: number
  /** Times the server said that events can't be had any more. */
  readonly gaps: number
}

/** Where a stream stands. */
export interface StreamState<TEvent> {
  /** `lost` is connecting again after it was live, or after a first try that failed. */
  readonly connection: 'connecting' | 'live' | 'lost' | 'ended'
  /** The newest events, oldest first. */
  readonly events: ReadonlyArray<LiveEvent<TEvent>>
  readonly lastEventId: string | undefined
  readonly counts: Counts
  /** When it was live first, and when it went live last, in milliseconds since 1970. */
  readonly firstLiveAt: number | undefined
  readonly liveAt: number | undefined
}

/** What can happen to a stream. */
export type StreamNews<TEvent> =
  | { readonly type: 'live'; readonly at: number }
  | { readonly type: 'lost' }
  | { readonly type: 'ended' }
  | { readonly type: 'event'; readonly event: LiveEvent<TEvent>; readonly keep: number }
  | {
      readonly type: 'count'
      readonly what: 'missing' | 'repeated' | 'gaps'
      readonly times: number
    }

export const initialStreamState: StreamState<never> = {
  connection: 'connecting',
  events: [],
  lastEventId: undefined,
  counts: { received: 0, missing: 0, repeated: 0, gaps: 0 },
  firstLiveAt: undefined,
  liveAt: undefined,
}

/** Says where a stream stands after some news. */
export function next<TEvent>(
  state: StreamState<TEvent>,
  news: StreamNews<TEvent>,
): StreamState<TEvent> {
  switch (news.type) {
    case 'live':
      return {
        ...state,
        connection: 'live',
        liveAt: news.at,
        firstLiveAt: state.firstLiveAt ?? news.at,
      }
    case 'lost':
      return { ...state, connection: 'lost' }
    case 'ended':
      return { ...state, connection: 'ended' }
    case 'event':
      return {
        ...state,
        events: [...state.events, news.event].slice(-news.keep),
        lastEventId: news.event.id,
        counts: add(state.counts, 'received', 1),
      }
    case 'count':
      return { ...state, counts: add(state.counts, news.what, news.times) }
  }
}

function add(counts: Counts, what: keyof Counts, times: number): Counts {
  return { ...counts, [what]: counts[what] + times }
}
