import { type MultiplexedRequest, parseMultiplexedRequest } from '@trpc-sse/protocol'

/** A request to replace the set of a stream. */
export interface ControlRequest {
  readonly connectionId: string
  /** The sender. Only the stream's owner may change it. */
  readonly owner: string
  readonly set: MultiplexedRequest
}

/** A request to end a stream that its client has lost. */
export interface Ending {
  /** The stream's connection id. */
  readonly ends: string
  /** The sender. Only the stream's owner may end it. */
  readonly owner: string
}

/** The outcome of a control request. */
export type ControlAnswer =
  | { readonly type: 'applied'; readonly revision: number }
  | { readonly type: 'invalid'; readonly message: string }
  /** The set changes too often. */
  | { readonly type: 'busy'; readonly retryAfterMs: number }
  /** No such stream, a different owner, or no answer. The sender can't distinguish these. */
  | { readonly type: 'unknown' }

/** The answer if there is no such stream. */
export const unknownStream: ControlAnswer = { type: 'unknown' }

/**
 * Parses a control request from another instance. Returns `undefined` for any other value: that
 * instance may run another version, and other programs may write to the backend. Throws
 * `INVALID_MESSAGE` for an invalid set.
 */
export function parseControl(value: unknown, subscriptions: number): ControlRequest | undefined {
  const { connectionId, owner, set }: Partial<Record<keyof ControlRequest, unknown>> = Object(value)
  if (typeof connectionId !== 'string' || typeof owner !== 'string' || set === undefined)
    return undefined
  return {
    connectionId,
    owner,
    set: parseMultiplexedRequest(JSON.stringify(set), { subscriptions }),
  }
}

/** Parses a request of another instance to end a stream. Returns `undefined` for any other value. */
export function parseEnding(value: unknown): Ending | undefined {
  const { ends, owner }: Partial<Record<keyof Ending, unknown>> = Object(value)
  return typeof ends === 'string' && typeof owner === 'string' ? { ends, owner } : undefined
}

/** Parses the answer of another instance. An invalid answer counts as an unknown stream. */
export function parseAnswer(value: unknown): ControlAnswer {
  const { type, revision, message, retryAfterMs }: { readonly [name: string]: unknown } =
    Object(value)
  if (type === 'applied' && typeof revision === 'number') return { type, revision }
  if (type === 'invalid' && typeof message === 'string') return { type, message }
  if (type === 'busy' && typeof retryAfterMs === 'number') return { type, retryAfterMs }
  return unknownStream
}
