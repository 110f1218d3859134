import type { GapData } from '@trpc-sse/protocol'

/** One message of a stream, whatever the mode calls it on the wire. */
export type Frame = FrameBody & {
  /** Where the subscription stands after this frame; absent or empty if that doesn't change. */
  readonly id: string | undefined
}

type FrameBody =
  /** The stream is open. `inactivityTimeoutMs` of silence mean that it is dead. */
  | { readonly type: 'connected'; readonly inactivityTimeoutMs: number | undefined }
  /** The stream is alive. */
  | { readonly type: 'ping' }
  /** An event, serialized. */
  | { readonly type: 'event'; readonly data: string }
  /** Nothing but a position. */
  | { readonly type: 'position' }
  /** Events can't be had any more. */
  | { readonly type: 'gap'; readonly gap: GapData }
  /** The subscription failed, with a serialized error. */
  | { readonly type: 'error'; readonly data: string }
  /** The subscription is complete. */
  | { readonly type: 'stopped' }
  /** The server asks for a new stream. */
  | { readonly type: 'move' }
