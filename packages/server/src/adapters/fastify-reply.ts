import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Copies the status and headers of a reply, which hooks and `createContext` have set, to Node's
 * response. Fastify doesn't send those of a hijacked reply.
 */
export function copyHead(reply: FastifyReply): FastifyReply['raw'] {
  reply.raw.statusCode = reply.statusCode
  for (const [name, value = ''] of Object.entries(reply.getHeaders()))
    reply.raw.setHeader(name, value)
  return reply.raw
}

/**
 * Makes Fastify run `onResponse` when a client leaves in the middle of a stream. Fastify waits for
 * 'finish', or until the request is aborted, but a request whose body was read is never aborted.
 */
export function emitFinishOnClose(
  request: FastifyRequest['raw'],
  response: FastifyReply['raw'],
): void {
  response.once('close', () => {
    if (!response.writableFinished && !request.aborted) response.emit('finish')
  })
}
