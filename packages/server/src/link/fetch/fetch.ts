import {
  isMultiplexed,
  type MultiplexedOptions,
  type MultiplexedService,
  serveMultiplexed,
} from '../multiplexed/serve.ts'
import { answerByTrpc } from '../node/answer.ts'
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
import { readFetchBody } from '../request/body.ts'
import { matchSubscription } from '../request/match.ts'
import { addHeaders, streamHead } from '../response-head.ts'
import { serveSingle } from '../single.ts'
import { fetchExchange } from './writer.ts'

/** A web-standard request, and what it has of its own. */
export interface FetchCall extends CallOverrides {
  readonly request: Request
}

/** Serves a web-standard request: a subscription on a stream, everything else by tRPC's own handler. */
export async function serveFetch(
  serve: MultiplexedOptions,
  link: LinkOptions,
  call: FetchCall,
): Promise<Response> {
  const { request } = call
  const options = optionsOf(link, call)
  const url = new URL(request.url)
  const path = call.path ?? procedurePath(url.pathname, options.basePath)
  const { method } = request
  if (isMultiplexed(method, path)) {
    return await serveStream(options, serve, request, url, (service) =>
      serveMultiplexed(serve, service),
    )
  }
  const header = (name: string): string | null => request.headers.get(name)
  const match = await matchSubscription(options.router, { method, url, path, header })
  return match
    ? await serveStream(options, serve, request, url, (service) =>
        serveSingle(serve, service, match),
      )
    : await serveOther(options, request, path)
}

async function serveStream(
  options: LinkOptions,
  { addressOf }: MultiplexedOptions,
  req: Request,
  url: URL,
  serve: (service: MultiplexedService) => Promise<void>,
): Promise<Response> {
  const { exchange, response } = fetchExchange(req)
  const resHeaders = new Headers()
  const served = serve({
    url,
    exchange,
    address: addressReaderFor(options.trustProxy, addressOf)(
      undefined,
      req.headers.get('x-forwarded-for'),
    ),
    credentials: {
      authorization: req.headers.get('authorization'),
      cookie: req.headers.get('cookie'),
      connectionParams: url.searchParams.get('connectionParams'),
    },
    readBody: (body) => readFetchBody(req, body),
    createContext: (info) => createContext(options, { req, resHeaders, info }),
    connectionKey: connectionKey(options),
    runWithContext: options.runWithContext,
    onError: (error, about) => reportError(options, { error, ...about, req }),
    responseHead: (ctx, info) => streamHead(options.responseMeta, ctx, info, resHeaders),
  })
  // A stream that is over before it was started: the client has left, and nobody reads this answer.
  return await Promise.race([response, served.then(() => new Response(null, { status: 499 }))])
}

async function serveOther(options: LinkOptions, req: Request, path: string): Promise<Response> {
  const resHeaders = new Headers()
  const answer = await answerByTrpc(options, {
    request: req,
    path,
    error: null,
    about: { req, resHeaders },
  })
  addHeaders(answer.headers, resHeaders)
  return answer
}
