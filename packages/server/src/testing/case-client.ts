import http, { type IncomingHttpHeaders } from 'node:http'
import http2 from 'node:http2'
import type { Readable } from 'node:stream'
import { createDecoder, type DecodedMessage } from '@trpc-sse/protocol'
import { withPatience } from './case-tools.ts'

/** A client of the server under test, over HTTP/1.1 or, for `https:`, HTTP/2. */
export interface CaseClient {
  /** Sends a request to a path below the mount. */
  send(path: string, request?: CaseRequest): Promise<CaseAnswer>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<CaseAnswer>
  /** Sends JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<CaseAnswer>
  /** Closes the client's connections. */
  close(): void
}

/** A request. */
export interface CaseRequest {
  /** @default 'GET' */
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A response whose head has arrived. */
export interface CaseAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The local port of the response's connection. */
  readonly socket: number
  readonly isHttp1: boolean
  /** Waits for the next message of a stream. Rejects at the stream's end. */
  next(): Promise<DecodedMessage>
  /** Waits for the whole body. */
  text(): Promise<string>
  json<T>(): Promise<T>
  /** Aborts the request. */
  leave(): void
}

/** Creates a client. */
export function connectTo(url: string): CaseClient {
  const { sendTo, close } = url.startsWith('https:') ? overHttp2(url) : overHttp1()
  const send: CaseClient['send'] = (path, request = {}) =>
    withPatience(`an answer to ${path}`, sendTo(new URL(`${url}/${path}`), request))
  return {
    send,
    get: (path, headers = {}) => send(path, { headers }),
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    close,
  }
}

interface HttpClient {
  sendTo(url: URL, request: CaseRequest): Promise<CaseAnswer>
  close(): void
}

function overHttp1(): HttpClient {
  const agent = new http.Agent({ keepAlive: true })
  return {
    sendTo: (url, { method = 'GET', headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const request = http.request(url, { agent, method, headers }, (response) => {
          const { statusCode: status = 0, headers: received, socket } = response
          const about = { status, headers: received, socket: socket.localPort ?? 0, isHttp1: true }
          resolve(readAnswer(response, about, () => request.destroy()))
        })
        request.on('error', reject)
        request.end(body)
      }),
    close: () => agent.destroy(),
  }
}

function overHttp2(origin: string): HttpClient {
  const session = http2.connect(origin, { rejectUnauthorized: false })
  session.on('error', () => {})
  return {
    sendTo: ({ pathname, search }, { method = 'GET', headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const stream = session.request({
          ':method': method,
          ':path': `${pathname}${search}`,
          ...headers,
        })
        stream.on('response', (received) => {
          const status = Number(received[':status'])
          const about = {
            status,
            headers: received,
            socket: session.socket.localPort ?? 0,
            isHttp1: false,
          }
          resolve(readAnswer(stream, about, () => stream.close(http2.constants.NGHTTP2_CANCEL)))
        })
        stream.on('error', reject)
        stream.end(body)
      }),
    close: () => session.destroy(),
  }
}

function readAnswer(
  body: Readable,
  about: Pick<CaseAnswer, 'status' | 'headers' | 'socket' | 'isHttp1'>,
  leave: () => void,
): CaseAnswer {
  const messages: DecodedMessage[] = []
  const decoder = createDecoder({ onMessage: (message) => void messages.push(message) })
  let text = ''
  let over: Error | undefined
  let wake = (): void => {}
  const utf8 = new TextDecoder()
  const isStream = about.headers['content-type']?.startsWith('text/event-stream') ?? false
  body.on('data', (chunk: Buffer) => {
    text += utf8.decode(chunk, { stream: true })
    if (isStream) decoder.push(chunk)
    wake()
  })
  body.on('error', () => {})
  body.once('close', () => {
    // The agent can reuse the socket only in the next turn.
    setImmediate(() => {
      over = new Error(`The answer is over. It said: ${text.slice(0, 1_000)}`)
      wake()
    })
  })
  async function until<T>(what: string, ask: () => T | undefined): Promise<T> {
    for (;;) {
      const found = ask()
      if (found !== undefined) return found
      if (over) throw over
      await withPatience(
        what,
        new Promise<void>((resolve) => {
          wake = resolve
        }),
      )
    }
  }
  const all = (): Promise<string> => until('the end of an answer', () => (over ? text : undefined))
  return {
    ...about,
    next: () =>
      until(`another message after ${JSON.stringify(text.slice(-200))}`, () => messages.shift()),
    text: all,
    json: async () => JSON.parse(await all()),
    leave,
  }
}
