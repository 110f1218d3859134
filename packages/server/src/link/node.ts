import type { IncomingMessage, ServerResponse } from 'node:http'
import { getTRPCErrorFromUnknown } from '@trpc/server'
import { clientAddress } from './address.ts'
import {
  type CallOverrides,
  connectionKey,
  createContext,
  type LinkOptions,
  overridesOf,
  procedurePath,
  reportError,
} from './link-options.ts'
import { nodeExchange } from './node-sink.ts'
import { matchSubscription, type SubscriptionRequest } from './request.ts'
import { streamHead } from './response-head.ts'
import { type ServeOptions, serveSubscription } from './serve.ts'

/** A request of `node:http`, and what it has of its own. */
export interface NodeCall extends CallOverrides {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Serves a request of `node:http`: a subscription on a stream, everything else by tRPC's own handler. */
export async function serveNode(serve: ServeOptions, link: LinkOptions, call: NodeCall): Promise<void> {
  const { request, response } = call
  const options = { ...link, ...overridesOf(call) }
  const middlewareError = await runMiddleware(options, request, response)
  if (response.writableEnded) return
  const url = parseUrl(request)
  const path = call.path ?? procedurePath(url?.pathname ?? '', options.basePath)
  const header = (name: string): string | null => headerValue(request.headers[name])
  const method = request.method ?? 'GET'
  const match = url && (await matchSubscription(options.router, { method, url, path, header }))
  if (match && middlewareError === undefined) {
    await serveMatch(serve, options, call, match, url)
  } else {
    const { nodeHTTPRequestHandler } = await import('@trpc/server/adapters/node-http')
    await nodeHTTPRequestHandler({
      ...(options as object as { router: typeof options.router }),
      createContext: (about) => createContext(options, about),
      req: request,
      res: response,
      path,
      middleware: (_request, _response, next) => next(middlewareError),
    })
  }
}

async function serveMatch(
  serve: ServeOptions,
  options: LinkOptions,
  call: NodeCall,
  match: SubscriptionRequest,
  url: URL,
): Promise<void> {
  const { request: req, response: res } = call
  const address = clientAddress(req.socket?.remoteAddress, headerValue(req.headers['x-forwarded-for']))
  try {
    await serveSubscription(serve, {
      request: match,
      url,
      exchange: nodeExchange(res),
      createContext: (info) => createContext(options, { req, res, info }),
      connectionKey: (ctx) => connectionKey(options, ctx, address),
      onError: (error, ctx) =>
        reportError(options, { error, path: match.path, input: match.input, ctx, req }),
      responseHead: (ctx, info) => streamHead(options.responseMeta, match.path, ctx, info),
    })
  } catch (cause) {
    // responseMeta or onError threw: there is no better answer than tRPC's adapters have.
    reportLate(options, getTRPCErrorFromUnknown(cause), match, req)
    if (!res.headersSent) res.statusCode = 500
    res.end()
  }
}

function reportLate(
  options: LinkOptions,
  error: ReturnType<typeof getTRPCErrorFromUnknown>,
  { path, input }: SubscriptionRequest,
  req: IncomingMessage,
): void {
  try {
    reportError(options, { error, path, input, ctx: undefined, req })
  } catch {
    // onError itself throws; it was told once.
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
    middleware(request, response, resolve)
  })
}

function parseUrl(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`)
  } catch {
    return undefined
  }
}

function headerValue(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(',') : (value ?? null)
}
