import { once } from 'node:events'
import http, {
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDecoder, type DecodedMessage } from '@trpc-sse/protocol'
import { createInbox } from './inbox.ts'

/** A real HTTP server on a free port of this machine. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly server: http.Server
  /** The number of open sockets. */
  connections(): Promise<number>
  /** Breaks all connections. */
  cut(): void
}

/** Starts a server. */
export async function listen(given: RequestListener | http.Server): Promise<TestServer> {
  const server = given instanceof http.Server ? given : http.createServer(given)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    server,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    cut: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The parts of a raw request. */
export interface RawRequest {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** A response, read as an event stream. */
export interface RawStream extends Disposable {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Waits for the next message, and returns it. */
  next(): Promise<DecodedMessage>
  /** Waits for the next `count` messages. */
  nextMany(count: number): Promise<DecodedMessage[]>
  /** All messages so far. */
  readonly messages: readonly DecodedMessage[]
  /** The values of `retry:` so far, in milliseconds. */
  readonly retries: readonly number[]
  /** Stops reading from the socket, until `resume`. */
  pause(): void
  resume(): void
  /** Breaks the connection. */
  leave(): void
  /**
   * Resolves to everything that was received, when the response is over: ended by the server, or
   * cut.
   */
  readonly over: Promise<{ readonly by: 'end' | 'cut'; readonly text: string }>
}

/** Sends a request on a separate socket, and resolves when the response has started. */
export async function openRaw(
  url: string,
  { method, headers, body }: RawRequest = {},
): Promise<RawStream> {
  const request = http.request(url, {
    agent: false,
    ...(method && { method }),
    ...(headers && { headers }),
  })
  request.on('error', () => {})
  request.end(body)
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  return readStream(request, response)
}

/** Sends a request on a separate socket, without waiting for the response. */
export function sendRaw(url: string): http.ClientRequest {
  const request = http.request(url, { agent: false })
  request.on('error', () => {})
  request.end()
  return request
}

function readStream(request: http.ClientRequest, response: http.IncomingMessage): RawStream {
  const inbox = createInbox<DecodedMessage>()
  const retries: number[] = []
  const decoder = createDecoder({ onMessage: inbox.put, onRetry: (ms) => retries.push(ms) })
  let text = ''
  response.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    decoder.push(chunk)
  })
  const over = new Promise<{ by: 'end' | 'cut'; text: string }>((resolve) => {
    response.once('close', () => resolve({ by: response.complete ? 'end' : 'cut', text }))
    response.on('error', () => {})
  })
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next: inbox.take,
    nextMany: inbox.takeMany,
    messages: inbox.items,
    retries,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    leave: () => void request.destroy(),
    over,
    [Symbol.dispose]: () => void request.destroy(),
  }
}

/** Sends a request, and reads the answer to its end. */
export async function ask(
  url: string,
  request?: RawRequest,
): Promise<{ status: number; text: string }> {
  using stream = await openRaw(url, request)
  const { text } = await stream.over
  return { status: stream.status, text }
}

/** Writes the address of a subscription as clients do. */
export function subscriptionUrl(
  url: string,
  path: string,
  query: { input?: unknown; lastEventId?: string } & Record<string, unknown> = {},
): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    parameters.set(name, name === 'input' ? JSON.stringify(value) : String(value))
  }
  return `${url}/${path}${parameters.size > 0 ? `?${parameters}` : ''}`
}
