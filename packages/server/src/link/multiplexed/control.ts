import { type MultiplexedRequest, parseMultiplexedRequest } from '@trpc-sse/protocol'

/** A control request, with the name of whoever sends it. */
export interface ControlRequest {
  readonly connectionId: string
  readonly owner: string
  readonly set: MultiplexedRequest
}

/** What became of a control request. */
export type ControlAnswer =
  | { readonly type: 'applied'; readonly revision: number }
  | { readonly type: 'invalid'; readonly message: string }
  /** The set changes too often. */
  | { readonly type: 'busy'; readonly retryAfterMs: number }
  /** There is no such stream, or not for this owner, or nobody answers: all the same to who asks. */
  | { readonly type: 'unknown' }

/** The answer where there is no such stream. */
export const unknown: ControlAnswer = { type: 'unknown' }

/**
 * Reads a control request that came through the backend: of an instance of another version perhaps, or of whoever else writes
 * there. `undefined` for what is none; throws `INVALID_MESSAGE` for a set that no client may send.
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

/** Reads the answer that came through the backend; what is none is `unknown`. */
export function parseAnswer(value: unknown): ControlAnswer {
  const { type, revision, message, retryAfterMs }: { readonly [name: string]: unknown } =
    Object(value)
  if (type === 'applied' && typeof revision === 'number') return { type, revision }
  if (type === 'invalid' && typeof message === 'string') return { type, message }
  if (type === 'busy' && typeof retryAfterMs === 'number') return { type, retryAfterMs }
  return unknown
}
