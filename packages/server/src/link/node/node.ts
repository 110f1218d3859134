import type { IncomingMessage, ServerResponse } from 'node:http'
import { TRPCError } from '@trpc/server'
import {
  incomingMessageToRequest,
  internal_exceptionHandler,
} from '@trpc/server/adapters/node-http'
import { errorOf } from '../call/errors.ts'
import type { ResponseWriter } from '../connection/response-writer.ts'
import type { LinkParts } from '../link-parts.ts'
import { isMultiplexed, serveMultiplexed } from '../multiplexed/serve.ts'
import type { Middleware } from '../options.ts'
import type { IncomingBody } from '../request/body.ts'
import { type IncomingRequest, matchSubscription } from '../request/match.ts'
import { RequestServices, type StreamRequest } from '../request/services.ts'
import type { SubscriptionRequest } from '../request/subscription-request.ts'
import { procedurePath, type RequestOptions, reportError } from '../request-options.ts'
import { serveSingle } from '../single.ts'
import { answerByTrpc } from '../trpc-handler.ts'
import { writeAnswer } from './answer.ts'
import { discardBody, readNodeBody } from './body.ts'
import { serveInspector } from './inspector.ts'
import { runMiddleware } from './middleware.ts'
import { closeWithSocket } from './queued-responses.ts'
import { isGone, NodeResponseWriter } from './writer.ts'

/** A request of `node:http`. */
export interface NodeCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The path of the procedure, if the adapter knows it; otherwise it is in the URL. */
  readonly path: string | undefined
}

/**
 * Serves a request of `node:http`: a subscription on a stream, everything else with tRPC's own
 * handler.
 */
export function serveNode(
  parts: LinkParts,
  options: RequestOptions,
  call: NodeCall,
): Promise<void> {
  closeWithSocket(call.request, call.response)
  return options.middleware === undefined
    ? serveRequest(parts, options, call, undefined)
    : serveBehind(options.middleware, parts, options, call)
}

async function serveBehind(
  middleware: Middleware,
  parts: LinkParts,
  options: RequestOptions,
  call: NodeCall,
): Promise<void> {
  // Continue in the async context that the middleware may have entered.
  const { context, error } = await runMiddleware(middleware, call.request, call.response)
  await context.runInAsyncScope(() => serveRequest(parts, options, call, error))
}

/** Whether a request is for a stream, for a change of one, or for the inspector. */
export async function isForStream(
  { inspection }: Pick<LinkParts, 'inspection'>,
  options: RequestOptions,
  call: Pick<NodeCall, 'request' | 'path'>,
): Promise<boolean> {
  const target = targetOf(options, call)
  if (target === undefined) return false
  return (
    isMultiplexed(target.method, target.path) ||
    inspection?.isFor(target.path) ||
    (await matchSubscription(options.router, target)) !== undefined
  )
}

function serveRequest(
  parts: LinkParts,
  options: RequestOptions,
  call: NodeCall,
  middlewareError: unknown,
): Promise<void> {
  const { response } = call
  if (response.writableEnded || isGone(response)) return Promise.resolve()
  const target = targetOf(options, call)
  if (middlewareError || target === undefined)
    return serveOther(options, call, target, middlewareError)
  if (isMultiplexed(target.method, target.path))
    return serveStream(parts, options, call, target, 'multiplexed')
  const { inspection } = parts
  if (inspection?.isFor(target.path))
    return serveInspector(parts, inspection, options, call, target).catch((cause) =>
      endFailed(options, call.request, response, cause),
    )
  const serve = (match: SubscriptionRequest | undefined): Promise<void> =>
    match === undefined
      ? serveOther(options, call, target, undefined)
      : serveStream(parts, options, call, target, match)
  const found = matchSubscription(options.router, target)
  return found instanceof Promise ? found.then(serve) : serve(found)
}

/** Returns what a request asks for; `undefined` if its URL is invalid. */
function targetOf(
  { basePath }: RequestOptions,
  { request, path }: Pick<NodeCall, 'request' | 'path'>,
): IncomingRequest | undefined {
  const url = parseUrl(request)
  return url && new NodeTarget(request, url, path ?? procedurePath(url.pathname, basePath))
}

/** What a Node request asks for. */
class NodeTarget implements IncomingRequest {
  readonly url: URL
  readonly path: string
  readonly #request: IncomingMessage

  constructor(request: IncomingMessage, url: URL, path: string) {
    this.#request = request
    this.url = url
    this.path = path
  }

  get method(): string {
    return this.#request.method ?? 'GET'
  }

  header(name: string): string | null {
    return headerOf(this.#request, name)
  }
}

async function serveStream(
  parts: LinkParts,
  options: RequestOptions,
  call: NodeCall,
  { url }: IncomingRequest,
  asked: SubscriptionRequest | 'multiplexed',
): Promise<void> {
  const { request, response } = call
  try {
    const streamRequest = new NodeStreamRequest(url, request, response)
    const services = new RequestServices(options, streamRequest, parts.addressOf)
    if (asked === 'multiplexed') await serveMultiplexed(parts, services)
    else await serveSingle(parts, services, asked)
  } catch (cause) {
    endFailed(options, request, response, cause)
  } finally {
    discardBody(request, parts.bodies)
  }
}

/** A Node request for a stream. */
class NodeStreamRequest implements StreamRequest {
  readonly url: URL
  readonly writer: ResponseWriter
  readonly about: { readonly req: IncomingMessage; readonly res: ServerResponse }

  constructor(url: URL, req: IncomingMessage, res: ServerResponse) {
    this.url = url
    this.writer = new NodeResponseWriter(res)
    this.about = { req, res }
  }

  get peer(): string | undefined {
    return this.about.req.socket?.remoteAddress
  }

  header(name: string): string | null {
    return headerOf(this.about.req, name)
  }

  readBody(body: IncomingBody): Promise<string> {
    return readNodeBody(this.about.req, body)
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
