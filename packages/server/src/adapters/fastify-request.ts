import { incomingMessageToRequest } from '@trpc/server/adapters/node-http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestOverrides, ServerLink } from '../index.ts'
import { copyHead, emitFinishOnClose } from './fastify-reply.ts'

/** The request and reply of a Fastify route. */
export interface FastifyCall {
  readonly req: FastifyRequest
  readonly res: FastifyReply
  /** The procedure's path. */
  readonly path: string
}

// The type of a method, which TypeScript checks less strictly: functions for Fastify's request fit.
type AppFunction = { call(about: object): unknown }['call']

/** The options of one request. The app's functions get Fastify's own request and reply. */
export interface FastifyOptions {
  readonly createContext?: AppFunction | undefined
  readonly onError?: AppFunction | undefined
}

/** Serves one request of Fastify through a link. */
export async function serveFastify(
  link: ServerLink,
  { createContext, onError, ...options }: FastifyOptions,
  { req, res, path }: FastifyCall,
): Promise<void> {
  const { maxBodySize }: { maxBodySize: number | null } = { maxBodySize: null, ...options }
  const raw = Object.assign(req.raw, { body: req.body })
  const overrides: RequestOverrides = {
    ...options,
    path,
    createContext: async (about: object) => {
      const ctx: unknown = await createContext?.({ ...about, req, res })
      if (res.sent) copyHead(res)
      return ctx
    },
    ...(onError && { onError: (failure: object) => void onError({ ...failure, req }) }),
  }
  if (await link.isForStream(raw, overrides)) {
    emitFinishOnClose(raw, res.raw)
    return link.node(raw, copyHead(res.hijack()), overrides)
  }
  const request = incomingMessageToRequest(raw, res.raw, { maxBodySize })
  const answer = await link.fetch(request, overrides)
  // Hooks set this header for CORS.
  if (res.hasHeader('vary')) answer.headers.append('vary', String(res.getHeader('vary')))
  await res.send(answer)
}
