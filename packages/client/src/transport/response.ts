import { type Clock, RealtimeError } from '@trpc-sse/protocol'
import { isRetryableStatus, parseRetryAfterMs } from '../stream/retry-policy.ts'
import type { StreamEvent } from '../stream/state.ts'

/** Makes an error of a body, if it is one of tRPC's. */
export type ReadErrorBody = (body: string) => Error | undefined

/** What it takes to say what a refusal means. */
export interface JudgeOptions {
  readonly readErrorBody: ReadErrorBody
  readonly clock: Clock
}

/** Says what an answer means for the stream that was asked for; `undefined` if it is that stream. */
export async function judgeResponse(
  response: Response,
  options: JudgeOptions,
): Promise<StreamEvent | undefined> {
  if (!response.ok) {
    // Without its body, the status alone says enough.
    const body = await response.text().catch(() => '')
    return refusal(response, body, options)
  }
  const type = response.headers.get('content-type') ?? 'none'
  if (!/^text\/event-stream\b/i.test(type))
    return { type: 'wrong-answer', error: wrongType(response.status, type) }
  if (response.body) return undefined
  const message =
    'The fetch of this runtime gives no response.body to read: pass one that does as the fetch option.'
  return { type: 'refused', error: new RealtimeError('INVALID_OPTION', message) }
}

function refusal(
  response: Response,
  body: string,
  { readErrorBody, clock }: JudgeOptions,
): StreamEvent {
  const error = readErrorBody(body) ?? httpError(response, body)
  if (!isRetryableStatus(response.status))
    return { type: 'refused', error, status: response.status }
  return {
    type: 'lost',
    error,
    retryAfterMs: parseRetryAfterMs(response.headers.get('retry-after'), clock.now()),
  }
}

function httpError({ status, statusText }: Response, body: string): RealtimeError {
  const retryable = isRetryableStatus(status)
  const said = body.trim() === '' ? 'no more than that' : JSON.stringify(body.trim().slice(0, 200))
  const answer = `The server answered ${`${status} ${statusText}`.trim()} and said ${said}.`
  const advice = retryable ? 'It will be asked again.' : adviceFor(status)
  return new RealtimeError(
    retryable ? 'SERVER_UNAVAILABLE' : 'REQUEST_REFUSED',
    `${answer} ${advice}`,
    {
      status,
    },
  )
}

function adviceFor(status: number): string {
  if (status === 404) return 'There is no tRPC at this address: check the url of sseLink.'
  return 'Check the url and the headers of sseLink.'
}

function wrongType(status: number, type: string): RealtimeError {
  return new RealtimeError(
    'INVALID_MESSAGE',
    `The server answered ${status} with content-type ${JSON.stringify(type.slice(0, 100))}, not text/event-stream. ` +
      'Check that url leads to tRPC, and that nothing on the way answers in its place.',
    { status },
  )
}
