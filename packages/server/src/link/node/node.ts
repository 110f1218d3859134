import type { IncomingMessage, ServerResponse } from 'node:http'
import { TRPCError } from '@trpc/server'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import { errorOf } from '../call/errors.ts'
import {
  isMultiplexed,
  type MultiplexedOptions,
  type MultiplexedService,
  serveMultiplexed,
} from '../multiplexed/serve.ts'
import {
  type CallOverrides,
  connectionKey,
  createContext,
  type LinkOptions,
  optionsOf,
  procedurePath,
  reportError,
} from '../options.ts'
import { addressReaderFor } from '../request/address.ts'
import { readNodeBody } from '../request/body.ts'
import { type IncomingRequest, matchSubscription } from '../request/match.ts'
import { streamHead } from '../response-head.ts'
import { serveSingle } from '../single.ts'
import { answerByTrpc, writeAnswer } from './answer.ts'
import { closeWithSocket } from './queued-responses.ts'
import { isGone, nodeExchange } from './writer.ts'

/** A request of `node:http`, and what it has of its own. */
export interface NodeCall extends CallOverrides {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Serves a request of `node:http`: a subscription on a stream, everything else by tRPC's own handler. */
export async function serveNode(
  serve: MultiplexedOptions,
  link: LinkOptions,
  call: NodeCall,
): Promise<void> {
  const { request, response } = call
  closeWithSocket(request, response)
  const options = optionsOf(link, call)
  const { middleware } = options
  if (middleware === undefined) return await serveRequest(serve, options, call, undefined)
  // In the async context in which it goes on: it may be one that runs everything behind it in a store.
  const { context, error } = await runMiddleware(middleware, request, response)
  await context.runInAsyncScope(() => serveRequest(serve, options, call, error))
}

async function serveRequest(
  serve: MultiplexedOptions,
  options: LinkOptions,
  call: NodeCall,
  middlewareError: unknown,
): Promise<void> {
  const { response } = call
  if (response.writableEnded || isGone(response)) return
  const target = targetOf(options, call)
  if (middlewareError || target === undefined)
    return await serveOther(options, call, target, middlewareError)
  if (isMultiplexed(target.method, target.path))
    return await serveStream(options, serve, call, target.url, (service) =>
      serveMultiplexed(serve, service),
    )
  const match = await matchSubscription(options.router, target)
  if (match)
    await serveStream(options, serve, call, target.url, (service) =>
      serveSingle(serve, service, match),
    )
  else await serveOther(options, call, target, undefined)
}

/** Whether a request is for a stream, or for a change of one. */
export async function isForStream(
  options: LinkOptions,
  call: Pick<NodeCall, 'request' | 'path'>,
): Promise<boolean> {
  const target = targetOf(options, call)
  if (target === undefined) return false
  return (
    isMultiplexed(target.method, target.path) ||
    (await matchSubscription(options.router, target)) !== undefined
  )
}

/** What a request asks for; `undefined` if its address is none. */
function targetOf(
  { basePath }: LinkOptions,
  { request, path }: Pick<NodeCall, 'request' | 'path'>,
): IncomingRequest | undefined {
  const url = parseUrl(request)
  return (
    url && {
      url,
      method: request.method ?? 'GET',
      path: path ?? procedurePath(url.pathname, basePath),
      header: (name) => headerValue(request.headers[name]),
    }
  )
}

async function serveOther(
  options: LinkOptions,
  call: NodeCall,
  target: IncomingRequest | undefined,
  middlewareError: unknown,
): Promise<void> {
  // A procedure may go on for ever where the client has left.
  const gone = new Promise<void>((resolve) => call.response.once('close', resolve))
  const answered = answer(options, call, target, middlewareError).catch((cause) =>
    endFailed(options, call, cause),
  )
  await Promise.race([answered, gone])
}

async function answer(
  options: LinkOptions,
  { request: req, response: res }: NodeCall,
  target: IncomingRequest | undefined,
  middlewareError: unknown,
): Promise<void> {
  const trpc = await import('@trpc/server/adapters/node-http')
  if (target === undefined) {
    const malformed = new TRPCError({ code: 'BAD_REQUEST', message: 'Invalid URL' })
    trpc.internal_exceptionHandler({ ...options, req, res } as never)(malformed)
    return
  }
  const given = await answerByTrpc(options, {
    request: trpc.incomingMessageToRequest(req, res, { maxBodySize: options.maxBodySize ?? null }),
    path: target.path,
    error: middlewareError ? errorOf(middlewareError) : null,
    about: { req, res },
  })
  await writeAnswer(res, given)
}

/** Ends a response that failed; whoever has begun it, the app in `createContext` for example. */
function endFailed(
  options: LinkOptions,
  { request: req, response: res }: NodeCall,
  cause: unknown,
): void {
  const error = errorOf(cause)
  reportError(options, { error, path: '', input: undefined, ctx: undefined, req })
  if (!res.headersSent) res.statusCode = 500
  res.end()
}

async function serveStream(
  options: LinkOptions,
  { addressOf, bodies }: MultiplexedOptions,
  { request: req, response: res }: NodeCall,
  url: URL,
  serve: (service: MultiplexedService) => Promise<void>,
): Promise<void> {
  try {
    await serve({
      url,
      exchange: nodeExchange(res),
      address: addressReaderFor(options.trustProxy, addressOf)(
        req.socket?.remoteAddress,
        headerValue(req.headers['x-forwarded-for']),
      ),
      credentials: {
        authorization: req.headers.authorization ?? null,
        cookie: req.headers.cookie ?? null,
        connectionParams: url.searchParams.get('connectionParams'),
      },
      readBody: (body) => readNodeBody(req, body),
      createContext: (info) => createContext(options, { req, res, info }),
      connectionKey: connectionKey(options),
      runWithContext: options.runWithContext,
      onError: (error, about) => reportError(options, { error, ...about, req }),
      responseHead: (ctx, info) => streamHead(options.responseMeta, ctx, info),
    })
  } catch (cause) {
    endFailed(options, { request: req, response: res }, cause)
  } finally {
    bodies.letGo(req)
  }
}

interface PassedOn {
  /** The async context in which the middleware went on. */
  readonly context: AsyncContext
  /** The error that it passed on, if any. */
  readonly error: unknown
}

/** Runs the connect middleware. Resolves when it goes on, or has answered by itself. */
function runMiddleware(
  middleware: NonNullable<LinkOptions['middleware']>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<PassedOn> {
  return new Promise((resolve) => {
    const next = (error?: unknown): void => resolve({ error, context: captureContext() })
    // A preflight, for example, is answered by the middleware itself.
    response.once('close', () => next())
    try {
      // One that is an async function may reject.
      Promise.resolve(middleware(request, response, next) as unknown).catch(next)
    } catch (cause) {
      next(cause)
    }
  })
}

function parseUrl(request: IncomingMessage): URL | undefined {
  const protocol = 'encrypted' in (request.socket ?? {}) ? 'https' : 'http'
  // HTTP/2 has its own name for it.
  const host = request.headers.host ?? request.headers[':authority'] ?? 'localhost'
  try {
    return new URL(request.url ?? '/', `${protocol}://${host}`)
  } catch {
    return undefined
  }
}

function headerValue(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(',') : (value ?? null)
}
