import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP address in front of several servers: each new connection goes to the next of them. */
export interface Door extends AsyncDisposable {
  readonly url: string
  /** Connections taken so far. */
  readonly taken: number
  /** Cuts every connection without closing frames. Returns how many there were. */
  cut(): number
  /** Sends new connections to these servers from now on. */
  setPorts(ports: readonly number[]): void
}

/** Opens a door to servers on 127.0.0.1. */
export async function openDoor(targets: readonly number[]): Promise<Door> {
  let ports = targets
  let taken = 0
  const sockets = new Set<Socket>()
  const hold = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  }
  const server = createServer((front) => {
    const back = connect(ports[taken++ % ports.length] ?? 0, '127.0.0.1')
    hold(front).pipe(hold(back)).pipe(front)
    front.on('close', () => back.destroy())
    back.on('close', () => front.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): number => {
    const count = sockets.size / 2
    for (const socket of sockets) socket.resetAndDestroy()
    return count
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get taken() {
      return taken
    },
    cut,
    setPorts(next) {
      ports = next
    },
    async [Symbol.asyncDispose]() {
      cut()
      server.close()
    },
  }
}
