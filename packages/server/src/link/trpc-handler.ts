import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TRPCError } from '@trpc/server'
import { resolveResponse } from '@trpc/server/http'
import { callHandler } from '../user-code/calls.ts'
import { onceEach, type RequestOptions } from './request-options.ts'

/** A request for tRPC's own handler. */
export interface TrpcRequest {
  readonly request: Request
  readonly path: string
  /** An error that a middleware passed on, or that the request itself has. */
  readonly error: TRPCError | null
  /** What `createContext` gets: the request as the app knows it, and where it may set headers. */
  readonly about: Readonly<
    { req: Request; resHeaders: Headers } | { req: IncomingMessage; res: ServerResponse }
  >
}

/** Has tRPC's own handler answer a request that is for no stream. */
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
  // HTTP/2 forbids these, and over HTTP/1.1 the server sets them itself.
  for (const name of ['connection', 'transfer-encoding']) response.headers.delete(name)
  return response
}
