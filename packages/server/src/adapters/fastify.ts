import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type {
  FastifyHandlerOptions as TrpcHandlerOptions,
  FastifyTRPCPluginOptions as TrpcOptions,
} from '@trpc/server/adapters/fastify'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type CreateServerLinkOptions, createServerLink, type ServerLinkOptions } from '../index.ts'
import { type FastifyCall, serveFastify } from './fastify-request.ts'
import { linkFor } from './link-for.ts'
import { addLink } from './router-links.ts'

/** The options of tRPC's Fastify plugin, and in `trpcOptions` those of the server link. */
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

/** Serves a router, in place of tRPC's plugin of this name. `app.close()` drains the link before anything else. */
export async function fastifyTRPCPlugin<TRouter extends AnyTRPCRouter>(
  app: FastifyInstance,
  { prefix = '', useWSS = false, ...options }: FastifyTRPCPluginOptions<TRouter>,
): Promise<void> {
  const trpcOptions = options.trpcOptions as unknown as CreateServerLinkOptions<AnyTRPCRouter>
  const link = createServerLink(trpcOptions)
  const added = addLink(trpcOptions.router, { link, retired: false })
  app.removeContentTypeParser(['application/json', 'multipart/form-data']) // tRPC says what is wrong with a body.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) =>
    done(null, body),
  )
  app.addContentTypeParser('multipart/form-data', {}, (_, body, done) => done(null, body))
  app.addHook('preClose', () => link.drain())
  app.addHook('onClose', async () => {
    added.retired = true
  })
  const base = app.prefix.endsWith(prefix) ? '' : prefix // Not encapsulated, Fastify leaves it to us.
  app.all(`${base}/*`, (req, res) =>
    serveFastify(link, trpcOptions, { req, res, path: (req.params as { '*': string })['*'] }),
  )
  if (useWSS) (await import('./fastify-websocket.ts')).serveWebSockets(app, base, trpcOptions)
}

/** Serves one request in a route of your own, in place of tRPC's function of this name. Drain the link in a `preClose` hook. */
export async function fastifyRequestHandler<
  TRouter extends AnyTRPCRouter,
  TRequest extends FastifyRequest,
  TResponse extends FastifyReply,
>(options: FastifyHandlerOptions<TRouter, TRequest, TResponse> & FastifyCall): Promise<void> {
  const { router, req, res, path, ...own } = options
  const link = linkFor(options, req.server.server)
  await serveFastify(link, own as unknown as CreateServerLinkOptions<AnyTRPCRouter>, {
    req,
    res,
    path,
  })
}
