import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import {
  internal_exceptionHandler,
  type NodeHTTPHandlerOptions as TrpcOptions,
  type NodeHTTPRequestHandlerOptions as TrpcRequestOptions,
} from '@trpc/server/adapters/node-http'
import type { NodeRequest, NodeResponse, RequestOverrides, ServerLinkOptions } from '../index.ts'
import { linkFor } from './link-for.ts'
import type { Listener } from './listener.ts'

/** The options of tRPC's Node adapter, and those of the server link. */
export type NodeHTTPHandlerOptions<
  TRouter extends AnyTRPCRouter,
  TRequest extends NodeRequest,
  TResponse extends NodeResponse,
> = TrpcOptions<TRouter, TRequest, TResponse> & ServerLinkOptions<inferRouterContext<TRouter>>

/** The same options, with one request. */
export type NodeHTTPRequestHandlerOptions<
  TRouter extends AnyTRPCRouter,
  TRequest extends NodeRequest,
  TResponse extends NodeResponse,
> = TrpcRequestOptions<TRouter, TRequest, TResponse> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export {
  createURL,
  incomingMessageToRequest,
  internal_exceptionHandler,
  type NodeHTTPCreateContextFn,
  type NodeHTTPCreateContextFnOptions,
  type NodeHTTPCreateContextOption,
  type NodeHTTPRequest,
  type NodeHTTPResponse,
} from '@trpc/server/adapters/node-http'
export { linkOf } from './link-of.ts'

/**
 * Serves one request. Replaces tRPC's function of this name. Resolves when the response is over.
 */
export async function nodeHTTPRequestHandler<
  TRouter extends AnyTRPCRouter,
  TRequest extends NodeRequest,
  TResponse extends NodeResponse,
>(options: NodeHTTPRequestHandlerOptions<TRouter, TRequest, TResponse>): Promise<void> {
  const { req, res, router, ...own } = options
  try {
    await linkFor(options, listenerOf(req)).node(req, res, own as RequestOverrides)
  } catch (cause) {
    // The link can't be created with these options. Callers may not await this promise, so it must
    // not reject.
    internal_exceptionHandler(options)(cause)
  }
}

function listenerOf({ socket }: { readonly socket?: object | undefined }): Listener | undefined {
  return socket && 'server' in socket
    ? ((socket.server ?? undefined) as Listener | undefined)
    : undefined
}
