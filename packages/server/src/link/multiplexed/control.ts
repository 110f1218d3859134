import { type MultiplexedRequest, parseMultiplexedRequest } from '@trpc-sse/protocol'

/** A request to replace the set of a stream. */
export interface ControlRequest {
  readonly connectionId: string
  /** Names its sender: the owner of the stream, if the request is to have an effect. */
  readonly owner: string
  readonly set: MultiplexedRequest
}

/** The outcome of a control request. */
export type ControlAnswer =
  | { readonly type: 'applied'; readonly revision: number }
  | { readonly type: 'invalid'; readonly message: string }
  /** The set changes too often. */
  | { readonly type: 'busy'; readonly retryAfterMs: number }
  /** No such stream, another owner, or no answer: the sender can't tell them apart. */
  | { readonly type: 'unknown' }

/** The answer where there is no such stream. */
export const unknownStream: ControlAnswer = { type: 'unknown' }

/**
 * Reads a control request from another instance; `undefined` if it is none. That instance may run
 * another version, and other programs may write to the backend, too. Throws `INVALID_MESSAGE` for a
 * set that no client may send.
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

/** Reads the answer of another instance. If it is none, the stream is unknown. */
export function parseAnswer(value: unknown): ControlAnswer {
  const { type, revision, message, retryAfterMs }: { readonly [name: string]: unknown } =
    Object(value)
  if (type === 'applied' && typeof revision === 'number') return { type, revision }
  if (type === 'invalid' && typeof message === 'string') return { type, message }
  if (type === 'busy' && typeof retryAfterMs === 'number') return { type, retryAfterMs }
  return unknownStream
}
