import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import type { Middleware } from '../options.ts'

/** The outcome of middleware that passed a request on. */
export interface PassedOn {
  /** The async context in which the middleware called `next`. */
  readonly context: AsyncContext
  /** The error that the middleware passed on, if any. */
  readonly error: unknown
}

/** Runs connect middleware. Resolves when it passes the request on or has answered it. */
export function runMiddleware(
  middleware: Middleware,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<PassedOn> {
  return new Promise((resolve) => {
    const next = (error?: unknown): void => resolve({ error, context: captureContext() })
    // Middleware may answer the request itself: a CORS preflight, for example.
    response.once('close', () => next())
    try {
      // An async function may reject.
      const returned: unknown = middleware(request, response, next)
      Promise.resolve(returned).catch(next)
    } catch (cause) {
      next(cause)
    }
  })
}
