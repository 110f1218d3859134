import type { AnyTRPCRouter } from '@trpc/server'
import type { ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import { mustBeValue } from '../user-code/calls.ts'
import type { ResponseHead } from './connection/response-writer.ts'

/** tRPC's `responseMeta`. */
export type ResponseMeta = ResponseMetaFn<AnyTRPCRouter>

/**
 * How every stream starts. No transformation: a proxy that compresses would hold events back. No `Connection`: HTTP/2
 * forbids it.
 */
const streamHeaders: ReadonlyArray<[name: string, value: string]> = [
  ['content-type', 'text/event-stream'],
  ['cache-control', 'no-cache, no-transform'],
  ['x-accel-buffering', 'no'],
  ['vary', 'trpc-accept, accept'],
]

/** Makes the head of a stream; tRPC asks for it before it knows what the stream will say. */
export function streamHead(
  responseMeta: ((about: never) => ReturnType<ResponseMeta>) | undefined,
  ctx: unknown,
  info: TRPCRequestInfo,
  contextHeaders?: Headers,
): ResponseHead {
  const about: Parameters<ResponseMeta>[0] = {
    ctx,
    info,
    paths: info.calls.map(({ path }) => path),
    type: 'subscription',
    data: [],
    errors: [],
    eagerGeneration: true,
  }
  const meta = mustBeValue(responseMeta?.(about as never), 'responseMeta()')
  const status = meta?.status ?? 200
  // Most have nothing to add: they share the same headers.
  if (!contextHeaders && !meta?.headers) return { headers: streamHeaders, status }
  const headers = new Headers([...streamHeaders])
  if (contextHeaders) addHeaders(headers, contextHeaders)
  addHeaders(headers, meta?.headers ?? {})
  return { headers, status }
}

/** Adds headers in either of the forms that `responseMeta` may give: `Headers` are appended, others replace. */
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
