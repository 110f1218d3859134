import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { encode, type SseMessage } from '@trpc-sse/protocol'
import { createInbox } from './inbox.ts'

/** A real HTTP server whose answers the test writes. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  /** The number of requests so far. */
  readonly count: () => number
  /** Waits for the next request, and returns it. */
  request(): Promise<Exchange>
}

/** One request, and the means to answer it. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Reads the body to its end. */
  body(): Promise<string>
  /** Begins a stream with a `connected` message. */
  open(connected?: object): Exchange
  /** Begins a stream without a message. */
  openSilently(contentType?: string): Exchange
  send(...messages: SseMessage[]): Exchange
  /**
   * Writes bytes unchanged. Resolves when they are in transit, so that they aren't joined with
   * later ones.
   */
  write(bytes: string | Uint8Array): Promise<void>
  /** Answers at once. */
  answer(status: number, headers?: OutgoingHttpHeaders, body?: string): void
  /** Ends the response regularly. */
  end(): void
  /** Breaks the connection. */
  cut(): void
  /** Resolves when the connection is gone, whichever side ended it. */
  readonly gone: Promise<unknown>
}

/** Starts a server on a free port of this machine. */
export async function scriptedServer(): Promise<ScriptedServer> {
  const requests = createInbox<Exchange>()
  const server = createServer((request, response) => requests.put(exchange(request, response)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    count: () => requests.items.length,
    request: requests.take,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Handler = Parameters<typeof createServer>[1] & object

function exchange(...[request, response]: Parameters<Handler>): Exchange {
  const url = new URL(request.url ?? '', 'http://localhost')
  const self: Exchange = {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: () => text(request),
    open: (connected = {}) =>
      self.openSilently().send({ event: 'connected', data: JSON.stringify(connected) }),
    openSilently(contentType = 'text/event-stream') {
      response.writeHead(200, { 'content-type': contentType })
      response.flushHeaders()
      return self
    },
    send(...messages) {
      response.write(messages.map(encode).join(''))
      return self
    },
    write: (bytes) => new Promise((resolve) => response.write(bytes, () => resolve())),
    answer: (status, headers = {}, body = '') => response.writeHead(status, headers).end(body),
    end: () => response.end(),
    cut: () => request.socket.destroy(),
    gone: once(response, 'close'),
  }
  return self
}
