import type { Answers, Failure, Query } from '../src/inspector/messages.ts'

/** An answer that is an error, or a request that failed. */
export class AskError extends Error {
  readonly code: string
  readonly issues: readonly { readonly path: string; readonly message: string }[]

  constructor({ code, message, issues = [] }: Failure['error']) {
    super(message)
    this.code = code
    this.issues = issues
  }
}

/** The time after which a request is given up, in milliseconds. */
const timeoutMs = 10_000

/** Asks an instance. Rejects with {@link AskError}. */
export async function ask<TQuery extends Query>(
  instance: string,
  query: TQuery,
): Promise<Answers[TQuery['type']]> {
  const response = await send(JSON.stringify({ instance, query }))
  const answer = (await response.json().catch(() => notJson(response.status))) as
    | Answers[TQuery['type']]
    | Failure
  if (isFailure(answer)) throw new AskError(answer.error)
  return answer
}

async function send(body: string): Promise<Response> {
  try {
    return await fetch(location.href.split('#')[0] ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch {
    throw new AskError({ code: 'OFFLINE', message: 'The server can’t be reached.' })
  }
}

function notJson(status: number): Failure {
  const message = `The server, or a proxy before it, answered with status ${status} and no JSON.`
  return { error: { code: 'NO_JSON', message } }
}

function isFailure(answer: unknown): answer is Failure {
  return typeof answer === 'object' && answer !== null && 'error' in answer
}
