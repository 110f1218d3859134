import type { AnyTRPCRouter } from '@trpc/server'
import { getWSConnectionHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws'
import type { FastifyInstance } from 'fastify'

/**
 * Does what `useWSS` does in tRPC's plugin: serves tRPC's own WebSockets, through
 * `@fastify/websocket`.
 */
export function serveWebSockets(app: FastifyInstance, base: string, options: object): void {
  const onConnection = getWSConnectionHandler(options as WSSHandlerOptions<AnyTRPCRouter>)
  type Connection = Parameters<typeof onConnection>
  const handle = (socket: Connection[0], { raw }: { raw: Connection[1] }): void =>
    void onConnection(socket, raw)
  // The types of this option come with that plugin, which an app may not have.
  app.get(base || '/', { websocket: true } as object, handle as never)
}
