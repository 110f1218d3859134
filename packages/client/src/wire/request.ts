import { multiplexedPath } from '@trpc-sse/protocol'

/** One HTTP request for a stream, ready to be sent. */
export interface HttpRequest {
  readonly url: string
  readonly headers: Headers
  readonly method?: string
  readonly body?: string
}

/** The app's options, as evaluated for one attempt. */
export interface Endpoint {
  readonly url: string
  /** Header names and values, in the forms that `httpBatchLink` accepts. */
  readonly headers: Iterable<readonly [string, string]> | Readonly<Record<string, HeaderValue>>
  /** `undefined` if the app doesn't use them. */
  readonly connectionParams: unknown
}

/** A header's value; `undefined` leaves it out. */
export type HeaderValue = string | ReadonlyArray<string> | undefined

/** One wanted subscription. */
export interface Wanted {
  readonly path: string
  /** The input as JSON, transformed; `undefined` if there is none. */
  readonly inputJson: string | undefined
  /** Its position; `undefined` for a new subscription. */
  readonly lastEventId: string | undefined
}

/**
 * Writes the request of single mode as tRPC's own link does, except for the last event id. That is
 * sent in the query, because a header would cost a CORS preflight, and the input may not be an
 * object.
 */
export function writeSingleRequest(endpoint: Endpoint, wanted: Wanted): HttpRequest {
  return writeRequest(endpoint, encodeURIComponent(wanted.path), [
    parameter('input', wanted.inputJson),
    parameter('lastEventId', wanted.lastEventId),
  ])
}

/** Writes a request of multiplexed mode. */
export function writeMultiplexedRequest(endpoint: Endpoint, body: string): HttpRequest {
  const request = writeRequest(endpoint, multiplexedPath, [])
  request.headers.set('content-type', 'application/json')
  return { ...request, method: 'POST', body }
}

/**
 * Returns the client's credentials as text: the same for equal url, headers and connection params.
 */
export function credentialsOf({ url, headers, connectionParams }: Endpoint): string {
  return JSON.stringify([url, connectionParams, ...writeHeaders(headers)])
}

function writeRequest(
  endpoint: Endpoint,
  path: string,
  parameters: readonly (string | undefined)[],
): HttpRequest {
  const address = endpoint.url.replace(/#.*$/, '')
  const [base = ''] = address.split('?', 1)
  const query = [
    address.slice(base.length + 1),
    // JSON.stringify(undefined) is undefined.
    parameter('connectionParams', JSON.stringify(endpoint.connectionParams)),
    ...parameters,
  ].filter((part) => part !== undefined && part !== '')
  const url = `${base.replace(/\/$/, '')}/${path}`
  const headers = writeHeaders(endpoint.headers)
  headers.set('accept', 'text/event-stream')
  return { url: query.length > 0 ? `${url}?${query.join('&')}` : url, headers }
}

function parameter(name: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${name}=${encodeURIComponent(value)}`
}

function writeHeaders(source: Endpoint['headers']): Headers {
  const headers = new Headers()
  const entries = isIterable(source) ? source : Object.entries(source)
  for (const [name, value] of entries) {
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  return headers
}

function isIterable(source: Endpoint['headers']): source is Iterable<readonly [string, string]> {
  return Symbol.iterator in source
}
