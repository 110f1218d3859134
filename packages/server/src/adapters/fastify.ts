import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type {
  FastifyHandlerOptions as TrpcHandlerOptions,
  FastifyTRPCPluginOptions as TrpcOptions,
} from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createServerLink, type ServerLinkOptions } from '../index.ts'
import { type FastifyCall, serveFastify } from './fastify-request.ts'
import { linkFor } from './link-for.ts'
import { addLink } from './router-links.ts'
import { withoutFunctions } from './settings.ts'

/** The options of tRPC's Fastify plugin, with those of the server link in `trpcOptions`. */
export type FastifyTRPCPluginOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<TRouter> & {
  readonly trpcOptions: ServerLinkOptions<inferRouterContext<TRouter>>
}

/** The options of tRPC's Fastify handler, and those of the server link. */
export type FastifyHandlerOptions<
  TRouter extends AnyTRPCRouter,
  TRequest extends FastifyRequest,
  TResponse extends FastifyReply,
> = TrpcHandlerOptions<TRouter, TRequest, TResponse> &
  ServerLinkOptions<inferRouterContext<TRouter>>

export type { CreateFastifyContextOptions } from '@trpc/server/adapters/fastify'
export { linkOf } from './link-of.ts'

/** Serves a router. Replaces tRPC's plugin of this name. `app.close()` drains the link first. */
export async function fastifyTRPCPlugin<TRouter extends AnyTRPCRouter>(
  app: FastifyInstance,
  { prefix = '', useWSS = false, ...options }: FastifyTRPCPluginOptions<TRouter>,
): Promise<void> {
  const { router, ...trpcOptions } = options.trpcOptions
  const link = createServerLink<AnyTRPCRouter>({ ...withoutFunctions<object>(trpcOptions), router })
  const added = addLink(router, { link, retired: false })
  app.removeContentTypeParser(['application/json', 'multipart/form-data']) // tRPC reads bodies.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) =>
    done(null, body),
  )
  app.addContentTypeParser('multipart/form-data', {}, (_, body, done) => done(null, body))
  app.addHook('preClose', () => link.drain())
  app.addHook('onClose', async () => {
    added.retired = true
  })
  // Fastify adds the prefix only to an encapsulated plugin.
  const base = app.prefix.endsWith(prefix) ? '' : prefix
  app.all(`${base}/*`, (req, res) =>
    serveFastify(link, trpcOptions, { req, res, path: (req.params as { '*': string })['*'] }),
  )
  if (useWSS)
    (await import('./fastify-websocket.ts')).serveWebSockets(app, base, options.trpcOptions)
}

/** Serves one request in your own route. Drain the link in a `preClose` hook. */
export async function fastifyRequestHandler<
  TRouter extends AnyTRPCRouter,
  TRequest extends FastifyRequest,
  TResponse extends FastifyReply,
>(options: FastifyHandlerOptions<TRouter, TRequest, TResponse> & FastifyCall): Promise<void> {
  const { router, req, res, path, ...own } = options
  const link = linkFor(options, req.server.server)
  await serveFastify(link, own, { req, res, path })
}
