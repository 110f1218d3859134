import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type { NodeHTTPRequestHandlerOptions as TrpcOptions } from '@trpc/server/adapters/node-http'
import type { NodeRequest, NodeResponse, ServerLinkOptions } from '../index.ts'
import { linkFor } from './link-for.ts'

/** The options of tRPC's Node adapter, and those of the server link. */
export type NodeHTTPRequestHandlerOptions<
  TRouter extends AnyTRPCRouter,
  TRequest extends NodeRequest,
  TResponse extends NodeResponse,
> = TrpcOptions<TRouter, TRequest, TResponse> & ServerLinkOptions<inferRouterContext<TRouter>>

export type { NodeHTTPCreateContextFnOptions } from '@trpc/server/adapters/node-http'
export { linkOf } from './link-for.ts'

/** Serves one request, in place of tRPC's function of this name. Resolves when the response is over. */
export async function nodeHTTPRequestHandler<
  TRouter extends AnyTRPCRouter,
  TRequest extends NodeRequest,
  TResponse extends NodeResponse,
>(options: NodeHTTPRequestHandlerOptions<TRouter, TRequest, TResponse>): Promise<void> {
  const { req, res, path, createContext, onError, responseMeta } = options
  await linkFor<TRouter>(options as unknown as Parameters<typeof linkFor<TRouter>>[0]).node(req, res, {
    path,
    ...(createContext && { createContext }),
    ...(onError && { onError }),
    ...(responseMeta && { responseMeta }),
  })
}
