import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Clock, wait } from '@trpc-sse/protocol'
import type { RequestSource } from './probes.ts'

/** A server of `node:http` or `node:http2`. */
export interface ShutdownServer extends RequestSource {
  close(callback: (error?: Error) => void): unknown
  closeIdleConnections?(): void
}

/** A session of HTTP/2. */
interface Session {
  close(): void
  once(event: 'close', listener: () => void): unknown
}

/** The time between two attempts to close connections that have become idle, in milliseconds. */
const idleMs = 100

/** Closes a server. */
export class ServerClosing {
  readonly #server: ShutdownServer
  readonly #clock: Clock
  readonly #sessions = new Set<Session>()
  #closed: Promise<void> | undefined
  #isClosed = false

  /** Call it before the server has clients. */
  constructor(server: ShutdownServer, clock: Clock) {
    this.#server = server
    this.#clock = clock
    server.on('session', (session: Session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
  }

  /**
   * Asks a client that keeps its connection to open another one, once the server stops. Otherwise, a
   * busy connection, such as that of a proxy, would never be idle.
   */
  onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (this.#closed && request.httpVersionMajor < 2) response.setHeader('connection', 'close')
  }

  /** Stops listening. Open connections continue. */
  stopListening(): void {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => {
        this.#isClosed = true
        resolve()
      })
    })
  }

  /** Resolves when all requests are answered, and all connections closed. */
  async finish(): Promise<void> {
    // The session of a client ends after its requests; a connection, once it is idle.
    for (const session of this.#sessions) session.close()
    while (!this.#isClosed) {
      this.#server.closeIdleConnections?.()
      await Promise.race([this.#closed, wait(this.#clock, idleMs)])
    }
  }
}
