import type { LinkParts } from '../link-parts.ts'
import { isMultiplexed, serveMultiplexed } from '../multiplexed/serve.ts'
import { matchSubscription } from '../request/match.ts'
import { RequestServices, type StreamRequest } from '../request/services.ts'
import { procedurePath, type RequestOptions } from '../request-options.ts'
import { addHeaders } from '../response-head.ts'
import { serveSingle } from '../single.ts'
import { answerByTrpc } from '../trpc-handler.ts'
import { readFetchBody } from './body.ts'
import { serveInspector } from './inspector.ts'
import { FetchResponseWriter } from './writer.ts'

/** A web-standard request. */
export interface FetchCall {
  readonly request: Request
  /** The path of the procedure, if the adapter knows it; otherwise it is in the URL. */
  readonly path: string | undefined
}

/**
 * Serves a web-standard request: a subscription on a stream, everything else with tRPC's own
 * handler.
 */
export async function serveFetch(
  parts: LinkParts,
  options: RequestOptions,
  call: FetchCall,
): Promise<Response> {
  const { request } = call
  const { method } = request
  const url = new URL(request.url)
  const path = call.path ?? procedurePath(url.pathname, options.basePath)
  const header = (name: string): string | null => request.headers.get(name)
  if (isMultiplexed(method, path))
    return await serveStream(parts, options, request, url, (services) =>
      serveMultiplexed(parts, services),
    )
  const { inspection } = parts
  if (inspection?.isFor(path)) return await serveInspector(parts, inspection, options, request)
  const match = await matchSubscription(options.router, { method, url, path, header })
  if (match === undefined) return await serveOther(options, request, path)
  return await serveStream(parts, options, request, url, (services) =>
    serveSingle(parts, services, match),
  )
}

async function serveStream(
  parts: LinkParts,
  options: RequestOptions,
  req: Request,
  url: URL,
  serve: (services: RequestServices) => Promise<void>,
): Promise<Response> {
  const writer = new FetchResponseWriter(req)
  const request: StreamRequest = {
    url,
    writer,
    peer: undefined,
    about: { req, resHeaders: new Headers() },
    header: (name) => req.headers.get(name),
    readBody: (body) => readFetchBody(req, body),
  }
  const served = serve(new RequestServices(options, request, parts.addressOf))
  // If the stream ends before it has started, the client is gone, and this response isn't read.
  const gone = served.then(() => new Response(null, { status: 499 }))
  return await Promise.race([writer.response, gone])
}

async function serveOther(options: RequestOptions, req: Request, path: string): Promise<Response> {
  const resHeaders = new Headers()
  const about = { req, resHeaders }
  const answer = await answerByTrpc(options, { request: req, path, error: null, about })
  addHeaders(answer.headers, resHeaders)
  return answer
}
