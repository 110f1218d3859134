import type { IncomingMessage, ServerResponse } from 'node:http'
import { TRPCError } from '@trpc/server'
import {
  incomingMessageToRequest,
  internal_exceptionHandler,
} from '@trpc/server/adapters/node-http'
import { errorOf } from '../call/errors.ts'
import type { LinkParts } from '../link-parts.ts'
import { isMultiplexed, serveMultiplexed } from '../multiplexed/serve.ts'
import { type IncomingRequest, matchSubscription } from '../request/match.ts'
import { createServices, type RequestServices, type StreamRequest } from '../request/services.ts'
import {
  type OwnOptions,
  optionsForRequest,
  procedurePath,
  type RequestOptions,
  reportError,
} from '../request-options.ts'
import { serveSingle } from '../single.ts'
import { answerByTrpc } from '../trpc-handler.ts'
import { writeAnswer } from './answer.ts'
import { discardBody, readNodeBody } from './body.ts'
import { runMiddleware } from './middleware.ts'
import { closeWithSocket } from './queued-responses.ts'
import { isGone, NodeResponseWriter } from './writer.ts'

/** A request of `node:http`, with its own options. */
export interface NodeCall extends OwnOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * Serves a request of `node:http`: a subscription on a stream, everything else with tRPC's own
 * handler.
 */
export async function serveNode(
  parts: LinkParts,
  link: RequestOptions,
  call: NodeCall,
): Promise<void> {
  const { request, response } = call
  closeWithSocket(request, response)
  const options = optionsForRequest(link, call)
  const { middleware } = options
  if (middleware === undefined) return await serveRequest(parts, options, call, undefined)
  // Continue in the async context that the middleware may have entered.
  const { context, error } = await runMiddleware(middleware, request, response)
  await context.runInAsyncScope(() => serveRequest(parts, options, call, error))
}

/** Whether a request is for a stream, or for a change of one. */
export async function isForStream(
  options: RequestOptions,
  call: Pick<NodeCall, 'request' | 'path'>,
): Promise<boolean> {
  const target = targetOf(options, call)
  if (target === undefined) return false
  return (
    isMultiplexed(target.method, target.path) ||
    (await matchSubscription(options.router, target)) !== undefined
  )
}

async function serveRequest(
  parts: LinkParts,
  options: RequestOptions,
  call: NodeCall,
  middlewareError: unknown,
): Promise<void> {
  const { response } = call
  if (response.writableEnded || isGone(response)) return
  const target = targetOf(options, call)
  if (middlewareError || target === undefined)
    return await serveOther(options, call, target, middlewareError)
  if (isMultiplexed(target.method, target.path))
    return await serveStream(parts, options, call, target, (services) =>
      serveMultiplexed(parts, services),
    )
  const match = await matchSubscription(options.router, target)
  if (match === undefined) return await serveOther(options, call, target, undefined)
  await serveStream(parts, options, call, target, (services) => serveSingle(parts, services, match))
}

/** Returns what a request asks for; `undefined` if its URL is invalid. */
function targetOf(
  { basePath }: RequestOptions,
  { request, path }: Pick<NodeCall, 'request' | 'path'>,
): IncomingRequest | undefined {
  const url = parseUrl(request)
  return (
    url && {
      url,
      method: request.method ?? 'GET',
      path: path ?? procedurePath(url.pathname, basePath),
      header: (name) => headerOf(request, name),
    }
  )
}

async function serveStream(
  parts: LinkParts,
  options: RequestOptions,
  { request: req, response: res }: NodeCall,
  { url }: IncomingRequest,
  serve: (services: RequestServices) => Promise<void>,
): Promise<void> {
  try {
    const request: StreamRequest = {
      url,
      writer: new NodeResponseWriter(res),
      peer: req.socket?.remoteAddress,
      about: { req, res },
      header: (name) => headerOf(req, name),
      readBody: (body) => readNodeBody(req, body),
    }
    await serve(createServices(options, request, parts.addressOf))
  } catch (cause) {
    endFailed(options, req, res, cause)
  } finally {
    discardBody(req, parts.bodies)
  }
}

async function serveOther(
  options: RequestOptions,
  call: NodeCall,
  target: IncomingRequest | undefined,
  middlewareError: unknown,
): Promise<void> {
  const { request, response } = call
  // A procedure may never settle after the client is gone.
  const gone = new Promise<void>((resolve) => response.once('close', resolve))
  const answered = answer(options, call, target, middlewareError).catch((cause) =>
    endFailed(options, request, response, cause),
  )
  await Promise.race([answered, gone])
}

async function answer(
  options: RequestOptions,
  { request: req, response: res }: NodeCall,
  target: IncomingRequest | undefined,
  middlewareError: unknown,
): Promise<void> {
  if (target === undefined) {
    const malformed = new TRPCError({ code: 'BAD_REQUEST', message: 'Invalid URL' })
    internal_exceptionHandler({ ...options, req, res, path: '' })(malformed)
    return
  }
  const answered = await answerByTrpc(options, {
    request: incomingMessageToRequest(req, res, { maxBodySize: options.maxBodySize ?? null }),
    path: target.path,
    error: middlewareError ? errorOf(middlewareError) : null,
    about: { req, res },
  })
  await writeAnswer(res, answered)
}

/** Ends a response that failed. The app may have started it, in `createContext` for example. */
function endFailed(
  options: RequestOptions,
  req: IncomingMessage,
  res: ServerResponse,
  cause: unknown,
): void {
  reportError(options, errorOf(cause), { path: '', input: undefined, ctx: undefined }, req)
  if (!res.headersSent) res.statusCode = 500
  res.end()
}

function parseUrl(request: IncomingMessage): URL | undefined {
  const protocol = 'encrypted' in (request.socket ?? {}) ? 'https' : 'http'
  // HTTP/2 has its own name for the host header.
  const host = request.headers.host ?? request.headers[':authority'] ?? 'localhost'
  try {
    return new URL(request.url ?? '/', `${protocol}://${host}`)
  } catch {
    return undefined
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? null)
}
