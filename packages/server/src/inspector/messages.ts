/**
 * What the page asks the server, and what it answers. Rows are limited, and texts are shortened, so
 * that no answer grows with the number of clients.
 */

/** A question of the page, or an action. */
export type Query =
  | { readonly type: 'instances' }
  | { readonly type: 'definitions' }
  | { readonly type: 'streams'; readonly filter: string }
  | { readonly type: 'stream'; readonly stream: number }
  | { readonly type: 'channels'; readonly filter: string }
  | { readonly type: 'log'; readonly log: string }
  | { readonly type: 'find'; readonly name: string; readonly params: unknown }
  | { readonly type: 'runs' }
  | { readonly type: 'steps'; readonly since: number }
  | Action

/** A question that changes something. The option `onAction` is told about it. */
export type Action =
  | {
      readonly type: 'publish'
      readonly name: string
      readonly params: unknown
      readonly event: unknown
    }
  | { readonly type: 'drill'; readonly drill: Drill; readonly stream: number }
  | { readonly type: 'interrupt' }

/** What the inspector can do to one stream. */
export type Drill = 'cut' | 'stall' | 'slow' | 'gap' | 'resume'

/** The answer to each question. */
export interface Answers {
  readonly instances: readonly InstanceRow[]
  readonly definitions: readonly DefinitionRow[]
  readonly streams: Rows<StreamRow>
  readonly stream: Rows<SubscriptionRow>
  readonly channels: ChannelsAnswer
  readonly log: LogAnswer
  readonly find: LogAnswer
  readonly runs: RunsAnswer
  readonly steps: StepsAnswer
  readonly publish: { readonly id: string; readonly log: string }
  readonly drill: { readonly message: string }
  readonly interrupt: { readonly message: string }
}

/** The first rows, and the number of all. */
export interface Rows<TRow> {
  readonly rows: readonly TRow[]
  readonly total: number
}

/** The state of one instance. */
export interface InstanceRow {
  readonly id: string
  readonly name: string
  /** Whether it is the one that has answered the page. */
  readonly isThis: boolean
  readonly startedAt: number
  /** The time since it answered last, in milliseconds; 0 if it has answered now. */
  readonly silentMs: number
  readonly summary: Summary
}

/** Counts of one instance, and what is wrong there. */
export interface Summary {
  readonly streams: number
  readonly subscriptions: number
  /** The number of streams whose clients read too slowly. */
  readonly behind: number
  /** The number of streams that are short, because something holds their responses back. */
  readonly short: number
  /** The most bytes that wait for one client. */
  readonly bytesWaiting: number
  readonly channels: number
  readonly runs: number
  readonly eventsSent: number
  readonly bytesSent: number
  readonly gaps: number
  readonly refused: number
  readonly cutOff: number
  /** Whether its log can be read. */
  readonly storage: Check
  /** Whether a notice that it sends to itself arrives. */
  readonly notifications: Check
  readonly isDraining: boolean
}

/** The result of a check. */
export interface Check {
  readonly state: 'ok' | 'failed' | 'none'
  readonly tookMs: number
  readonly message?: string
}

/** A definition of a channel, run or state channel. */
export interface DefinitionRow {
  readonly name: string
  readonly kind: Kind
  readonly hasParams: boolean
  /** The JSON Schema of the params, if the schema can be written as one. */
  readonly params: object | undefined
  /** The JSON Schema of an event. */
  readonly event: object | undefined
}

export type Kind = 'channel' | 'run' | 'state' | 'presence' | 'internal'

/** One stream. */
export interface StreamRow {
  readonly stream: number
  readonly key: string | undefined
  readonly address: string | undefined
  readonly openedAt: number | undefined
  readonly paths: readonly string[]
  readonly subscriptions: number
  readonly bytesWaiting: number
  /** Whether nothing more is sent until the client has read. */
  readonly isBehind: boolean
  /** Whether the client asked for a short stream, because something holds responses back. */
  readonly isShort: boolean
  /** The largest known lag of its subscriptions, in events. */
  readonly lag: number | undefined
  readonly drill: 'stall' | 'slow' | undefined
}

/** One subscription of a stream. */
export interface SubscriptionRow {
  readonly key: string
  readonly path: string
  readonly position: string | undefined
  readonly live: boolean | undefined
  readonly readers: readonly ReaderRow[]
}

/** Where a subscription is in one log. */
export interface ReaderRow {
  readonly log: string
  readonly position: string | undefined
  /** `undefined` if the position isn't in the window, so that it reads the log. */
  readonly lag: number | undefined
}

export interface ChannelsAnswer extends Rows<ChannelRow> {
  readonly templates: Rows<TemplateRow>
}

/** The open logs of one definition. */
export interface TemplateRow {
  readonly name: string
  readonly kind: Kind
  readonly logs: number
  readonly readers: number
}

/** One open log. */
export interface ChannelRow {
  readonly log: string
  readonly kind: Kind
  readonly readers: number
  readonly windowEvents: number
  readonly windowCharacters: number
  /** The id at the end of the window; `undefined` until the log was read. */
  readonly lastEventId: string | undefined
  readonly failure: string | undefined
}

/** A log, as the backend has it. */
export interface LogAnswer {
  readonly log: string
  readonly kind: Kind
  /** The row of the open log; `undefined` if this instance doesn't read it. */
  readonly open: ChannelRow | undefined
  readonly lastEventId: string
  readonly oldestId: string | undefined
  readonly retain: { readonly events: number; readonly forMs: number } | undefined
  /** The newest events, the newest first. */
  readonly events: readonly EventRow[]
  readonly entries: readonly (readonly [key: string, value: string])[]
  readonly hasMoreEntries: boolean
}

/** One stored event. */
export interface EventRow {
  readonly id: string
  readonly prev: string
  readonly data: string
}

export interface RunsAnswer {
  readonly runs: Rows<RunRow>
  /** The number of runs that the instance produces. */
  readonly producing: number
  readonly rooms: Rows<RoomRow>
  readonly states: Rows<ChannelRow>
}

/** A run whose log is open. */
export interface RunRow {
  readonly log: string
  readonly status: string
  readonly followers: number
}

/** A presence room. */
export interface RoomRow {
  readonly log: string
  /** The number of members that the instance holds. */
  readonly members: number
  readonly readers: number
}

export interface StepsAnswer {
  readonly steps: readonly StepRow[]
  /** The number to ask for next. */
  readonly next: number
  /** The number of steps that were left out because there were too many. */
  readonly skipped: number
}

/** A step of an event or a stream. */
export interface StepRow {
  readonly at: number
  readonly step: string
  readonly log: string | undefined
  readonly id: string | undefined
  readonly stream: number | undefined
  readonly path: string | undefined
  readonly detail: string
}

/** What the server answers instead of the result. */
export interface Failure {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly issues?: readonly { readonly path: string; readonly message: string }[]
  }
}
