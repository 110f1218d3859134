import type { IncomingMessage, ServerResponse } from 'node:http'

/** The part of a server of `node:http` or `node:http2` that answers requests. */
export interface RequestSource {
  emit(event: string, ...args: unknown[]): boolean
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** The paths of the probes. */
export interface ProbePaths {
  /** Answers 200 for as long as the process can answer at all. */
  readonly liveness: string
  /** Answers 200 if the process accepts new clients, and 503 otherwise. */
  readonly readiness: string
}

/** Handles a request before the app. Returns whether it answers the request. */
export type RequestFilter = (request: IncomingMessage, response: ServerResponse) => boolean

/** Calls a filter for each request of a server, before all listeners, whenever they are added. */
export function filterRequests(server: RequestSource, filter: RequestFilter): void {
  const emit = server.emit.bind(server)
  server.emit = (event, ...args) => {
    const isAnswered =
      event === 'request' &&
      filter(...(args as [request: IncomingMessage, response: ServerResponse]))
    return isAnswered || emit(event, ...args)
  }
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
