import type { IncomingMessage } from 'node:http'
import { TRPCError } from '@trpc/server'
import { type Bodies, bodyWasRead, type IncomingBody, mustBeJson } from '../request/body.ts'

/** A request whose body a body parser may have read. */
type ParsedRequest = IncomingMessage & { readonly body?: unknown }

const encoder = new TextEncoder()

/** Reads the JSON body of a Node request, whether or not middleware has already parsed it. */
export async function readNodeBody(request: ParsedRequest, body: IncomingBody): Promise<string> {
  mustBeJson(request.headers['content-type'])
  const parsed = parsedBody(request)
  if (parsed === undefined) return await receive(request, body)
  body.push(encoder.encode(parsed))
  return body.text()
}

/**
 * Discards the rest of a body once its request is answered. Over HTTP/2, a client that can't send
 * its whole body never sees the end of the response. A client that still sends after `forMs` is
 * disconnected.
 */
export function discardBody(request: IncomingMessage, { clock, forMs }: Bodies): void {
  if (request.complete || request.destroyed) return
  request.on('error', ignore)
  request.resume()
  const stopTimer = clock.after(forMs, () => request.destroy())
  request.once('close', stopTimer).once('end', stopTimer)
}

function receive(request: IncomingMessage, body: IncomingBody): Promise<string> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer | string): void =>
      attempt(() => body.push(typeof chunk === 'string' ? encoder.encode(chunk) : chunk))
    const onEnd = (): void =>
      attempt(() => {
        const text = body.text()
        stop()
        resolve(text)
      })
    const onClose = (): void => fail(new TRPCError({ code: 'CLIENT_CLOSED_REQUEST' }))
    function attempt(step: () => void): void {
      try {
        step()
      } catch (error) {
        fail(error)
      }
    }
    function fail(error: unknown): void {
      stop()
      reject(error)
    }
    // A stream keeps its request until it ends, and must not keep the body too.
    function stop(): void {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', fail)
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', fail)
    // Ignore errors after the body has arrived.
    request.on('error', ignore)
    body.onLate(fail)
  })
}

function ignore(): void {}

/**
 * Returns the body that middleware has read. Throws BAD_REQUEST for a body that can't be written as
 * JSON again.
 */
function parsedBody(request: ParsedRequest): string | undefined {
  try {
    return givenBody(request)
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause
    const message =
      'The body breaks P48 of the protocol: it was parsed, and can not be written as JSON again.'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

/**
 * Returns the body that middleware has read, as text. Middleware may have left it parsed, as a
 * string, or as bytes. Returns `undefined` if the body wasn't read yet. Throws BAD_REQUEST if it
 * was read and not left on the request.
 */
function givenBody({ body, readableDidRead }: ParsedRequest): string | undefined {
  if (body === undefined || body === null || (isUnparsed(body) && readableDidRead === false)) {
    if (readableDidRead) throw bodyWasRead('Node', 'assign what it has read to `request.body`')
    return undefined
  }
  if (typeof body === 'string') return body
  return isBytes(body) ? new TextDecoder().decode(body) : JSON.stringify(body)
}

/** Whether a body is bytes. Accepts objects of other realms: test runners have several. */
function isBytes(body: unknown): body is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(body) || Object.prototype.toString.call(body) === '[object ArrayBuffer]'
}

/** Whether a body is the empty object that Express 4's body parsers set if they parsed nothing. */
function isUnparsed(body: unknown): boolean {
  return (
    typeof body === 'object' && body !== null && !isBytes(body) && Object.keys(body).length === 0
  )
}
