import type { AnyTRPCRouter } from '@trpc/server'
import { getWSConnectionHandler, type WSSHandlerOptions } from '@trpc/server/adapters/ws'
import type { FastifyInstance } from 'fastify'

/** What `useWSS` does in tRPC's plugin: tRPC's own WebSockets, by `@fastify/websocket`. */
export function serveWebSockets(app: FastifyInstance, base: string, options: object): void {
  const onConnection = getWSConnectionHandler(options as WSSHandlerOptions<AnyTRPCRouter>)
  // Types of its own for this option has only who has that plugin.
  const handle = (socket: unknown, { raw }: { raw: unknown }): void =>
    onConnection(socket as never, raw as never)
  app.get(base || '/', { websocket: true } as object, handle as never)
}
