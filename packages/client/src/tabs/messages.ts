import type { RealtimeErrorCode } from '@trpc-sse/protocol'

// Messages are taken as they come: whoever is on a channel has the same version of this, by its name.

/** What all tabs of a group hear. */
export type GroupMessage =
  /** A guest wants a stream; again, if nobody answers. */
  | { readonly type: 'open'; readonly id: string; readonly body: string }
  /** This host leads from now on. */
  | { readonly type: 'lead'; readonly host: string }

/** What a guest says to its host, on the channel of its stream. */
export type GuestMessage =
  /** Is anybody there? */
  | { readonly type: 'probe' }
  /** So many characters have arrived. */
  | { readonly type: 'read'; readonly length: number }
  /** A control request. */
  | { readonly type: 'control'; readonly body: string }

/** What a host says to a guest, on the channel of its stream. */
export type HostMessage = { readonly host: string } & (
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
