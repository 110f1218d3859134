import type { IncomingMessage, ServerResponse } from 'node:http'
import { getTRPCErrorFromUnknown } from '@trpc/server'
import { clientAddress } from './address.ts'
import { readNodeBody } from './body.ts'
import {
  type CallOverrides,
  connectionKey,
  createContext,
  type LinkOptions,
  optionsOf,
  procedurePath,
  reportError,
  toldOnce,
} from './link-options.ts'
import { isGone, nodeExchange } from './node-sink.ts'
import { matchSubscription } from './request.ts'
import { streamHead } from './response-head.ts'
import {
  isMultiplexed,
  type MultiplexedOptions,
  type MultiplexedService,
  serveMultiplexed,
} from './serve-multiplexed.ts'
import { serveSingle } from './serve-single.ts'

/** A request of `node:http`, and what it has of its own. */
export interface NodeCall extends CallOverrides {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Serves a request of `node:http`: a subscription on a stream, everything else by tRPC's own handler. */
export async function serveNode(serve: MultiplexedOptions, link: LinkOptions, call: NodeCall): Promise<void> {
  const { request, response } = call
  const options = optionsOf(link, call)
  const middlewareError = await runMiddleware(options, request, response)
  if (response.writableEnded || isGone(response)) return
  const url = parseUrl(request)
  const path = call.path ?? procedurePath(url?.pathname ?? '', options.basePath)
  const header = (name: string): string | null => headerValue(request.headers[name])
  const method = request.method ?? 'GET'
  if (middlewareError || url === undefined) return await serveOther(options, call, path, middlewareError)
  if (isMultiplexed(method, path))
    return await serveStream(options, call, url, (service) => serveMultiplexed(serve, service))
  const match = await matchSubscription(options.router, { method, url, path, header })
  if (match) await serveStream(options, call, url, (service) => serveSingle(serve, service, match))
  else await serveOther(options, call, path, undefined)
}

async function serveOther(
  options: LinkOptions,
  { request: req, response: res }: NodeCall,
  path: string,
  middlewareError: unknown,
): Promise<void> {
  const { nodeHTTPRequestHandler } = await import('@trpc/server/adapters/node-http')
  const handled = nodeHTTPRequestHandler({
    ...(options as object as { router: typeof options.router }),
    createContext: (about) => createContext(options, about),
    onError: toldOnce(options.onError),
    req,
    res,
    path,
    middleware: (_request, _response, next) => next(middlewareError),
  })
  // tRPC's handler goes on for ever where the client has left.
  await Promise.race([handled, new Promise((resolve) => res.once('close', resolve))])
}

async function serveStream(
  options: LinkOptions,
  { request: req, response: res }: NodeCall,
  url: URL,
  serve: (service: MultiplexedService) => Promise<void>,
): Promise<void> {
  // Asked for only where the context doesn't say whose the connection is: a socket keeps its answer.
  const address = (): string | undefined =>
    clientAddress(req.socket?.remoteAddress, headerValue(req.headers['x-forwarded-for']))
  try {
    await serve({
      url,
      exchange: nodeExchange(res),
      readBody: () => readNodeBody(req),
      createContext: (info) => createContext(options, { req, res, info }),
      connectionKey: (ctx) => connectionKey(options, ctx, address),
      onError: (error, about) => reportError(options, { error, ...about, req }),
      responseHead: (ctx, info) => streamHead(options.responseMeta, ctx, info),
    })
  } catch (cause) {
    // The app has answered by itself, in createContext for example, or has set a header that can't be sent.
    const error = getTRPCErrorFromUnknown(cause)
    reportError(options, { error, path: '', input: undefined, ctx: undefined, req })
    if (!res.headersSent) res.statusCode = 500
    res.end()
  }
}

/** Runs the connect middleware. Resolves to the error that it passed on, if any, or when it has answered by itself. */
function runMiddleware(
  { middleware }: LinkOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<unknown> {
  if (middleware === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    // A preflight, for example, is answered by the middleware itself.
    response.once('close', () => resolve(undefined))
    try {
      middleware(request, response, resolve)
    } catch (cause) {
      resolve(cause)
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
