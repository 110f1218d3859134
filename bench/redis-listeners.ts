import { once } from 'node:events'
import net from 'node:net'

/**
 * Opens `count` connections to a Redis server and receives everything that is published, as that
 * many processes would.
 */
export async function listenTo(url: string, count: number): Promise<Disposable> {
  const { hostname, port } = new URL(url)
  const sockets = Array.from({ length: count }, () => net.connect(Number(port), hostname))
  for (const socket of sockets) {
    socket.write('PSUBSCRIBE *\r\n')
    await once(socket, 'data')
    socket.resume()
  }
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
