import type { TRPCRequestInfo } from '@trpc/server/http'
import type { ResponseHead } from './connection/response-writer.ts'
import { type RequestOptions, responseMeta } from './request-options.ts'

/**
 * The headers of every stream. `no-transform` prevents compression by proxies, which would delay
 * events. There is no `Connection` header, because HTTP/2 forbids it.
 */
const streamHeaders: ReadonlyArray<[name: string, value: string]> = [
  ['content-type', 'text/event-stream'],
  ['cache-control', 'no-cache, no-transform'],
  ['x-accel-buffering', 'no'],
  ['vary', 'trpc-accept, accept'],
]

/** Creates the head of a stream, with the headers that `responseMeta` and `createContext` add. */
export function streamHead(
  options: Pick<RequestOptions, 'responseMeta'>,
  ctx: unknown,
  info: TRPCRequestInfo,
  contextHeaders: Headers | undefined,
): ResponseHead {
  const meta = options.responseMeta && responseMeta(options, ctx, info)
  const status = meta?.status ?? 200
  // Most streams have no additional headers, and share the same ones.
  if (!contextHeaders && !meta?.headers) return { headers: streamHeaders, status }
  const headers = new Headers([...streamHeaders])
  if (contextHeaders) addHeaders(headers, contextHeaders)
  addHeaders(headers, meta?.headers ?? {})
  return { headers, status }
}

/**
 * Adds headers in either form that `responseMeta` may return. `Headers` are appended; a record
 * replaces existing values.
 */
export function addHeaders(
  to: Headers,
  from: Headers | Record<string, string | string[] | undefined>,
): void {
  if (from instanceof Headers) {
    for (const [name, value] of from) to.append(name, value)
    return
  }
  for (const [name, value] of Object.entries(from)) {
    if (Array.isArray(value)) for (const each of value) to.append(name, each)
    else if (value !== undefined) to.set(name, value)
  }
}
