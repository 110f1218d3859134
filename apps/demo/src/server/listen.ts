import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const defaultPort = 3_000

/** Listens on `PORT`, or on the first free port from 3000. Resolves to the port. */
export async function listen(server: Server): Promise<number> {
  const given = process.env.PORT
  if (given) return await listenOn(server, Number(given))
  for (let port = defaultPort; ; port += 1) {
    try {
      return await listenOn(server, port)
    } catch (error) {
      if (!isTaken(error) || port >= defaultPort + 100) throw error
    }
  }
}

/** Listens on a port (0: any free one) and resolves to it. Rejects if the port is taken. */
export async function listenOn(server: Server, port: number, host?: string): Promise<number> {
  server.listen({ port, ...(host !== undefined && { host }) })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
