import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import { isRetryableStatus, parseRetryAfterMs } from '../stream/retry-policy.ts'
import type { StreamEvent } from '../stream/state.ts'

/** Reads tRPC's error from a body, if it has one. */
export type ReadErrorBody = (body: string) => Error | undefined

/** The options for judging a response. */
export interface JudgeOptions {
  readonly readErrorBody: ReadErrorBody
  readonly clock: Clock
}

/** Returns the event for an answer; `undefined` if the answer is the requested stream. */
export async function judgeResponse(
  response: Response,
  { readErrorBody, clock }: JudgeOptions,
): Promise<StreamEvent | undefined> {
  const { ok, status, headers, body } = response
  if (!ok) {
    // If the body can't be read, the status is enough.
    const text = await response.text().catch(() => '')
    const error = readErrorBody(text) ?? httpError(response, text)
    if (!isRetryableStatus(status)) return { type: 'refused', error, status }
    const retryAfterMs = parseRetryAfterMs(headers.get('retry-after'), clock.now())
    return { type: 'lost', error, retryAfterMs }
  }
  const type = headers.get('content-type') ?? ''
  if (!/^text\/event-stream\b/i.test(type)) {
    const message = `The server answered ${status} with content-type "${type.slice(0, 100)}", not text/event-stream. Check the url.`
    return {
      type: 'wrong-answer',
      error: new RealtimeError('INVALID_MESSAGE', message, { status }),
    }
  }
  if (body) return undefined
  const message = 'fetch gives no response.body to read here: give a fetch option that does.'
  return { type: 'refused', error: new RealtimeError('INVALID_OPTION', message) }
}

function httpError({ status, statusText }: Response, body: string): RealtimeError {
  const retryable = isRetryableStatus(status)
  const said = body.trim() && ` and said ${JSON.stringify(body.trim().slice(0, 200))}`
  const answer = `The server answered ${`${status} ${statusText}`.trim()}${said}.`
  return new RealtimeError(
    retryable ? 'SERVER_UNAVAILABLE' : 'REQUEST_REFUSED',
    retryable ? answer : `${answer} Check the url and the headers of sseLink.`,
    { status },
  )
}
