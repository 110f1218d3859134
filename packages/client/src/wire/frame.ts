import type { ConnectedData, GapData, ValuesData } from '@trpc-sse/protocol'

/** One message of a stream, whatever the mode calls it on the wire. */
export type Frame = StreamFrame | SubscriptionFrame

/** What a stream says of itself. */
export type StreamFrame =
  /** The stream is open. The id names it in control requests, in the mode that has them. */
  | ({ readonly type: 'connected'; readonly connectionId?: string } & ConnectedData)
  /** The stream is alive. */
  | { readonly type: 'ping' }
  /** The server asks for a new stream. */
  | { readonly type: 'reconnect' }

/** What a stream says of one subscription. */
export type SubscriptionFrame = SubscriptionFrameBody & {
  /** Names the subscription among those of the stream. */
  readonly key: string
  /** Where the subscription stands after this frame; absent or empty if that doesn't change. */
  readonly id: string | undefined
}

type SubscriptionFrameBody =
  /** The subscription runs on this stream. */
  | ({ readonly type: 'started' } & ValuesData)
  /** An event, serialized. */
  | { readonly type: 'event'; readonly data: string }
  /** Nothing but a position. */
  | { readonly type: 'position' }
  /** Events can't be had any more. */
  | ({ readonly type: 'gap' } & GapData)
  /** The subscription failed, with a serialized error. */
  | { readonly type: 'error'; readonly error: unknown }
  /** The subscription is complete. */
  | { readonly type: 'stopped' }
