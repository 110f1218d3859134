import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TRPCError } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import { callHandler } from '../user-code/calls.ts'
import { onceEach, type RequestOptions } from './request-options.ts'

/** A request for tRPC's own handler. */
export interface TrpcRequest {
  readonly request: Request
  readonly path: string
  /** An error that middleware passed on, or an error in the request itself. */
  readonly error: TRPCError | null
  /** The argument of `createContext`: the app's request, and the object for response headers. */
  readonly about: Readonly<
    { req: Request; resHeaders: Headers } | { req: IncomingMessage; res: ServerResponse }
  >
}

/** Answers a request that isn't for a stream with tRPC's own handler. */
export async function answerByTrpc(
  options: RequestOptions,
  { request, path, error, about }: TrpcRequest,
): Promise<Response> {
  const { createContext, onError, ...others } = options
  const response = await resolveResponse({
    ...others,
    req: request,
    path,
    error,
    createContext: async (info: object) => await options.createContext?.({ ...about, ...info }),
    onError: onceEach((failure) =>
      callHandler('onError', () => options.onError?.({ ...failure, req: about.req })),
    ),
  })
  // HTTP/2 forbids these headers, and over HTTP/1.1 the server sets them itself.
  for (const name of ['connection', 'transfer-encoding']) response.headers.delete(name)
  return response
}
