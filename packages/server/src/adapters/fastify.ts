import type { AnyTRPCRouter, inferRouterContext } from '@trpc/server'
import type { FastifyTRPCPluginOptions as TrpcOptions } from '@trpc/server/adapters/fastify'
import { incomingMessageToRequest } from '@trpc/server/adapters/node-http'
import type { FastifyInstance, FastifyReply, RouteHandlerMethod } from 'fastify'
import type { CreateServerLinkOptions, RequestOverrides, ServerLink, ServerLinkOptions } from '../index.ts'
import { linkFor } from './link-for.ts'

/** The options of tRPC's Fastify plugin, and in `trpcOptions` those of the server link. */
export type FastifyTRPCPluginOptions<TRouter extends AnyTRPCRouter> = TrpcOptions<TRouter> & {
  readonly trpcOptions: ServerLinkOptions<inferRouterContext<TRouter>>
}

export type { CreateFastifyContextOptions } from '@trpc/server/adapters/fastify'
export { linkOf } from './link-for.ts'

/** Serves a router, in place of tRPC's plugin of this name. `app.close()` drains the link before anything else. */
export async function fastifyTRPCPlugin<TRouter extends AnyTRPCRouter>(
  app: FastifyInstance,
  { prefix = '', useWSS = false, ...options }: FastifyTRPCPluginOptions<TRouter>,
): Promise<void> {
  const trpcOptions = options.trpcOptions as unknown as CreateServerLinkOptions<AnyTRPCRouter>
  const link = linkFor(trpcOptions)
  app.removeContentTypeParser(['application/json', 'multipart/form-data']) // tRPC says what is wrong with a body.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_, body, done) => done(null, body))
  app.addContentTypeParser('multipart/form-data', {}, (_, body, done) => done(null, body))
  app.addHook('preClose', () => link.drain())
  const base = app.prefix.endsWith(prefix) ? '' : prefix // Not encapsulated, Fastify leaves it to us.
  app.all(`${base}/*`, handler(link, trpcOptions))
  if (useWSS) (await import('./fastify-websocket.ts')).serveWebSockets(app, base, trpcOptions)
}

function handler(
  link: ServerLink,
  { createContext, onError, ...options }: CreateServerLinkOptions<AnyTRPCRouter>,
): RouteHandlerMethod {
  const { maxBodySize }: { maxBodySize: number | null } = { maxBodySize: null, ...options }
  return async (req, res) => {
    const raw = Object.assign(req.raw, { body: req.body })
    const overrides: RequestOverrides = {
      path: (req.params as { '*': string })['*'],
      createContext: async (about: object) => {
        const ctx: unknown = await createContext?.({ ...about, req, res } as never)
        if (res.sent) handOver(res)
        return ctx
      },
      onError: (failure: object) => onError?.({ ...failure, req } as never),
    }
    if (await link.isForStream(raw, overrides)) return link.node(raw, handOver(res.hijack()), overrides)
    const answer = await link.fetch(incomingMessageToRequest(raw, res.raw, { maxBodySize }), overrides)
    if (res.hasHeader('vary')) answer.headers.append('vary', String(res.getHeader('vary'))) // a hook's, for CORS
    return res.send(answer)
  }
}

/** Gives a stream what hooks and `createContext` have set: Fastify sends nothing of a reply that it has let go of. */
function handOver(reply: FastifyReply): FastifyReply['raw'] {
  reply.raw.statusCode = reply.statusCode
  for (const [name, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value)
  return reply.raw
}
