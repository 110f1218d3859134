import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import zlib from 'node:zlib'
import { createDecoder } from '@trpc-sse/protocol'
import { elapsedTime } from '@trpc-sse/server'
import type { Target } from '../endpoint/target.ts'
import { unreachable } from '../exit-codes.ts'
import { cut } from '../output/text.ts'

/** One request to an endpoint. */
export interface ProbeRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** How long to read the response, in milliseconds. It is then closed. */
  readonly limitMs: number
  /** Whether a message is the last that matters. The response is then closed. */
  isLast?(message: ProbeMessage): boolean
}

/** A message of a stream, and when it arrived. */
export interface ProbeMessage {
  readonly event: string
  readonly data: string
  /** Milliseconds since the request was sent. */
  readonly atMs: number
}

/** What came back. All times are in milliseconds since the request was sent. */
export interface Probe {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly headAtMs: number
  /** The control messages. */
  readonly messages: readonly ProbeMessage[]
  /** The first bytes of the body, if it isn't a stream of messages. */
  readonly text: string
  readonly endAtMs: number
  /** `end`: the server ended it. `cut`: the connection broke. `closed`: we have read enough. */
  readonly endedBy: 'end' | 'cut' | 'closed'
}

/** How long an answer may take to begin, in milliseconds, at least. */
const headTimeoutMs = 15_000
/** More messages or characters than this are not kept. */
const mostMessages = 1_000
const mostText = 2_000

/** Sends a request on a connection of its own, and records what comes back, and when. */
export async function probe(target: Target, request: ProbeRequest): Promise<Probe> {
  const { clock, signal } = target
  const elapsedMs = elapsedTime(clock)
  const startMs = elapsedMs()
  const atMs = (): number => elapsedMs() - startMs
  const sent = send(target, request)
  const abort = (): void => void sent.destroy()
  signal.addEventListener('abort', abort)
  // A response may be held back until its end, so its head may take as long as all of it.
  const timer = clock.after(Math.max(headTimeoutMs, request.limitMs) + 5_000, abort, {
    keepsAlive: true,
  })
  try {
    const response = await headOf(sent, request)
    const headAtMs = atMs()
    const body = await readBody(response, { ...request, atMs, clock })
    const { statusCode = 0, headers } = response
    return { status: statusCode, headers, headAtMs, endAtMs: atMs(), ...body }
  } finally {
    timer()
    signal.removeEventListener('abort', abort)
    sent.destroy()
  }
}

function send({ insecure }: Target, { url, method, headers, body }: ProbeRequest) {
  const options = { method, headers, agent: false, rejectUnauthorized: !insecure }
  const sent = url.protocol === 'https:' ? https.request(url, options) : http.request(url, options)
  return sent.end(body)
}

function headOf(sent: http.ClientRequest, { url }: ProbeRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve)
    sent.once('close', () => reject(unreachable(`${url.host} doesn't answer.`)))
    sent.on('error', (error) =>
      reject(unreachable(`${url.host} doesn't answer: ${cut(error.message, 300)}`)),
    )
  })
}

interface BodyOptions extends Pick<ProbeRequest, 'limitMs' | 'isLast'>, Pick<Target, 'clock'> {
  atMs(): number
}

function readBody(
  response: IncomingMessage,
  { limitMs, isLast = () => false, atMs, clock }: BodyOptions,
): Promise<Pick<Probe, 'messages' | 'text' | 'endedBy'>> {
  const messages: ProbeMessage[] = []
  let text = ''
  return new Promise((resolve) => {
    const stop = (endedBy: Probe['endedBy']): void => {
      cancel()
      resolve({ messages, text, endedBy })
      response.destroy()
    }
    const cancel = clock.after(limitMs, () => stop('closed'), { keepsAlive: true })
    const decoder = createDecoder({
      maxMessageLength: 1_048_576,
      onMessage({ event, data }) {
        const message = { event, data, atMs: atMs() }
        // The events of a busy channel would take the place of the message that ends the stream.
        if (event.startsWith('$') && messages.length < mostMessages) messages.push(message)
        if (isLast(message)) stop('closed')
      },
    })
    const body = decompressed(response)
    body.on('data', (chunk: Buffer) => {
      if (text.length < mostText) text += chunk.toString('utf8', 0, mostText)
      try {
        decoder.push(chunk)
      } catch {
        stop('closed')
      }
    })
    body.on('end', () => stop('end'))
    body.on('error', () => stop('cut'))
    // A decompressor doesn't notice that its input was cut.
    response.on('close', () => setImmediate(() => response.complete || stop('cut')))
    response.on('error', () => stop('cut'))
  })
}

/** Reads compressed responses, too: when their parts arrive shows whether they are flushed. */
function decompressed(response: IncomingMessage): Readable {
  const { Z_SYNC_FLUSH } = zlib.constants
  switch (response.headers['content-encoding']) {
    case 'gzip':
    case 'deflate':
      return response.pipe(zlib.createUnzip({ flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH }))
    case 'br':
      return response.pipe(zlib.createBrotliDecompress())
    default:
      return response
  }
}
