import { resolveResponse } from '@trpc/server/http'
import { clientAddress } from './address.ts'
import { fetchExchange } from './fetch-sink.ts'
import {
  type CallOverrides,
  connectionKey,
  createContext,
  type LinkOptions,
  overridesOf,
  procedurePath,
  reportError,
  toldOnce,
} from './link-options.ts'
import { matchSubscription, type SubscriptionRequest } from './request.ts'
import { addHeaders, streamHead } from './response-head.ts'
import { type ServeOptions, serveSubscription } from './serve.ts'

/** A web-standard request, and what it has of its own. */
export interface FetchCall extends CallOverrides {
  readonly request: Request
}

/** Serves a web-standard request: a subscription on a stream, everything else by tRPC's own handler. */
export async function serveFetch(serve: ServeOptions, link: LinkOptions, call: FetchCall): Promise<Response> {
  const { request } = call
  const options = { ...link, ...overridesOf(call) }
  const url = new URL(request.url)
  const path = call.path ?? procedurePath(url.pathname, options.basePath)
  const header = (name: string): string | null => request.headers.get(name)
  const match = await matchSubscription(options.router, { method: request.method, url, path, header })
  return match
    ? await serveMatch(serve, options, request, match, url)
    : await serveOther(options, request, path)
}

async function serveMatch(
  serve: ServeOptions,
  options: LinkOptions,
  req: Request,
  match: SubscriptionRequest,
  url: URL,
): Promise<Response> {
  const { exchange, response } = fetchExchange(req)
  const resHeaders = new Headers()
  const address = clientAddress(undefined, req.headers.get('x-forwarded-for'))
  const served = serveSubscription(serve, {
    request: match,
    url,
    exchange,
    createContext: (info) => createContext(options, { req, resHeaders, info }),
    connectionKey: (ctx) => connectionKey(options, ctx, address),
    onError: (error, ctx) => reportError(options, { error, path: match.path, input: match.input, ctx, req }),
    responseHead: (ctx, info) => streamHead(options.responseMeta, match.path, ctx, info, resHeaders),
  })
  // A stream that is over before it was started: the client has left, and nobody reads this answer.
  return await Promise.race([response, served.then(() => new Response(null, { status: 499 }))])
}

async function serveOther(options: LinkOptions, req: Request, path: string): Promise<Response> {
  const resHeaders = new Headers()
  return await resolveResponse({
    ...(options as object as { router: LinkOptions['router'] }),
    req,
    path,
    error: null,
    createContext: async (about) => await createContext(options, { req, resHeaders, ...about }),
    onError: toldOnce(options.onError),
    responseMeta(about) {
      const meta = options.responseMeta?.(about as never)
      addHeaders(resHeaders, meta?.headers ?? {})
      return { headers: resHeaders, ...(meta?.status === undefined ? {} : { status: meta.status }) }
    },
  })
}
