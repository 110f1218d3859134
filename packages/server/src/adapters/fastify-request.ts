import type { AnyTRPCRouter } from '@trpc/server'
import { incomingMessageToRequest } from '@trpc/server/adapters/node-http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CreateServerLinkOptions, RequestOverrides, ServerLink } from '../index.ts'

/** A request, as a route of Fastify has it. */
export interface FastifyCall {
  readonly req: FastifyRequest
  readonly res: FastifyReply
  /** The procedure's path. */
  readonly path: string
}

/** Serves one request of Fastify by a link. */
export async function serveFastify(
  link: ServerLink,
  { createContext, onError, ...options }: Omit<CreateServerLinkOptions<AnyTRPCRouter>, 'router'>,
  { req, res, path }: FastifyCall,
): Promise<void> {
  const { maxBodySize }: { maxBodySize: number | null } = { maxBodySize: null, ...options }
  const raw = Object.assign(req.raw, { body: req.body })
  const overrides: RequestOverrides = {
    ...(options as RequestOverrides),
    path,
    createContext: async (about: object) => {
      const ctx: unknown = await createContext?.({ ...about, req, res } as never)
      if (res.sent) handOver(res)
      return ctx
    },
    ...(onError && { onError: (failure: object) => onError({ ...failure, req } as never) }),
  }
  if (await link.isForStream(raw, overrides)) {
    endAlways(raw, res.raw)
    return link.node(raw, handOver(res.hijack()), overrides)
  }
  const answer = await link.fetch(
    incomingMessageToRequest(raw, res.raw, { maxBodySize }),
    overrides,
  )
  if (res.hasHeader('vary')) answer.headers.append('vary', String(res.getHeader('vary'))) // a hook's, for CORS
  await res.send(answer)
}

/** Gives a stream what hooks and `createContext` have set: Fastify sends nothing of a reply that it has let go of. */
function handOver(reply: FastifyReply): FastifyReply['raw'] {
  reply.raw.statusCode = reply.statusCode
  for (const [name, value = ''] of Object.entries(reply.getHeaders()))
    reply.raw.setHeader(name, value)
  return reply.raw
}

/**
 * Has Fastify run `onResponse` where a client leaves in the middle. It waits for 'finish'; and for the request to be aborted, to run
 * `onRequestAbort`, which a request is not whose body was read.
 */
function endAlways(request: FastifyRequest['raw'], response: FastifyReply['raw']): void {
  response.once('close', () => {
    if (!response.writableFinished && !request.aborted) response.emit('finish')
  })
}
