import type { IncomingMessage, ServerResponse } from 'node:http'

/** The part of a server of `node:http` or `node:http2` that answers requests. */
export interface RequestSource {
  listeners(event: string): readonly unknown[]
  removeAllListeners(event: string): unknown
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** The paths of the probes. */
export interface ProbePaths {
  /** Answers 200 for as long as the process can answer at all. */
  readonly liveness: string
  /** Answers 200 if the process accepts new clients, and 503 otherwise. */
  readonly readiness: string
}

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

/** Handles a request before the app. Returns whether it answers the request. */
export type RequestFilter = (request: IncomingMessage, response: ServerResponse) => boolean

/** Calls a filter for each request of a server, before the server's own listeners. */
export function filterRequests(server: RequestSource, filter: RequestFilter): void {
  const listeners = server.listeners('request') as readonly RequestListener[]
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (filter(request, response)) return
    for (const listener of listeners) listener.call(server, request, response)
  })
}

/** Creates a filter that answers probes. */
export function createProbes(
  { liveness, readiness }: ProbePaths,
  isReady: () => Promise<boolean>,
): RequestFilter {
  return (request, response) => {
    const [path] = (request.url ?? '').split('?')
    if (path === liveness) answer(response, true)
    else if (path === readiness) void isReady().then((ready) => answer(response, ready))
    else return false
    return true
  }
}

function answer(response: ServerResponse, isOk: boolean): void {
  response.writeHead(isOk ? 200 : 503, {
    'content-type': 'text/plain',
    'cache-control': 'no-store',
  })
  response.end(isOk ? 'ok' : 'not ready')
}
