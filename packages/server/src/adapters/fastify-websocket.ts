import type { AnyTRPCRouter } from '@trpc/server'
import { getWSConnectionHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws'
import type { FastifyInstance } from 'fastify'

/** Serves tRPC's own WebSockets through `@fastify/websocket`, as `useWSS` of tRPC's plugin does. */
export function serveWebSockets(app: FastifyInstance, base: string, options: object): void {
  const onConnection = getWSConnectionHandler(options as WSSHandlerOptions<AnyTRPCRouter>)
  type Connection = Parameters<typeof onConnection>
  const handle = (socket: Connection[0], { raw }: { raw: Connection[1] }): void =>
    void onConnection(socket, raw)
  // The types of this option belong to `@fastify/websocket`, which an app may not have.
  app.get(base || '/', { websocket: true } as object, handle as never)
}
