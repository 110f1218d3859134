import type { ConnectedData, GapData, ValuesData } from '@trpc-sse/protocol'

/** One message of a stream, independent of its name on the wire. */
export type Frame = StreamFrame | SubscriptionFrame

/** A frame about the stream itself. */
export type StreamFrame =
  /** The stream is open. In multiplexed mode, the id names it in control requests. */
  | ({ readonly type: 'connected'; readonly connectionId?: string } & ConnectedData)
  /** The stream is alive. */
  | { readonly type: 'ping' }
  /** The server asks for a handover to a new stream. */
  | { readonly type: 'reconnect' }

/** A frame about one subscription. */
export type SubscriptionFrame = SubscriptionFrameBody & {
  /** Names the subscription among those of the stream. */
  readonly key: string
  /** The position after this frame; absent or empty if it doesn't change. */
  readonly id: string | undefined
}

type SubscriptionFrameBody =
  /** The subscription runs on this stream. */
  | ({ readonly type: 'started' } & ValuesData)
  /** An event, serialized. */
  | { readonly type: 'event'; readonly data: string }
  /** Only a position. */
  | { readonly type: 'position' }
  /** Events are no longer available. */
  | ({ readonly type: 'gap' } & GapData)
  /** The subscription failed, with a serialized error. */
  | { readonly type: 'error'; readonly error: unknown }
  /** The subscription is complete. */
  | { readonly type: 'stopped' }
