import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that simulates faults of networks. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** The port to which new connections go. */
  target: number
  /** Whether new connections are refused. */
  refusing: boolean
  /** Stops all traffic on open connections without closing them, which makes them half-open. */
  stall(): void
  /**
   * Cuts each open connection as soon as the server answers on it. The request is then processed,
   * but its answer is lost. Resolves when that has happened once.
   */
  loseNextAnswer(): Promise<void>
  /** Cuts every open connection. */
  cut(): void
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  stalled: boolean
}

/** Starts a proxy to a port of 127.0.0.1. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const links = new Set<Link>()
  let onAnswer: (() => void) | undefined

  const listener = createServer((client) => {
    if (proxy.refusing) {
      client.destroy()
      return
    }
    const link: Link = { client, server: connect(proxy.target, '127.0.0.1'), stalled: false }
    links.add(link)
    join(link, () => onAnswer)
    client.once('close', () => links.delete(link))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  const cut = (): void => {
    for (const { client } of links) client.destroy()
  }
  const proxy: TcpProxy = {
    port: (listener.address() as AddressInfo).port,
    target,
    refusing: false,
    cut,
    stall() {
      for (const link of links) link.stalled = true
    },
    loseNextAnswer: () =>
      new Promise((resolve) => {
        onAnswer = () => {
          onAnswer = undefined
          cut()
          resolve()
        }
      }),
    async [Symbol.asyncDispose]() {
      cut()
      listener.close()
      await once(listener, 'close')
    },
  }
  return proxy
}

function join(link: Link, onAnswer: () => (() => void) | undefined): void {
  const { client, server } = link
  client.on('data', (data) => {
    if (!link.stalled) server.write(data)
  })
  server.on('data', (data) => {
    const lose = onAnswer()
    if (lose) lose()
    else if (!link.stalled) client.write(data)
  })
  // To the other end, a cut is an error, which the tests cause on purpose.
  for (const socket of [client, server]) socket.on('error', () => {})
  client.once('close', () => server.destroy())
  server.once('close', () => client.destroy())
}
