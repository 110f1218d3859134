import type { IncomingMessage } from 'node:http'
import { TRPCError } from '@trpc/server'
import { type Bodies, bodyWasRead, type IncomingBody, mustBeJson } from '../request/body.ts'

/** A request that body parsers may have read. */
type ParsedRequest = IncomingMessage & { readonly body?: unknown }

const encoder = new TextEncoder()

/** Reads the JSON body of a Node request, whether or not middleware has parsed it before. */
export async function readNodeBody(request: ParsedRequest, body: IncomingBody): Promise<string> {
  mustBeJson(request.headers['content-type'])
  const parsed = parsedBody(request)
  if (parsed === undefined) return await receive(request, body)
  body.push(encoder.encode(parsed))
  return body.text()
}

/**
 * Discards the rest of a body once its request is answered: over HTTP/2, a client that can't send
 * all of it never sees the end of the answer. A client that continues to send is cut off.
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
    // A stream keeps its request for as long as it lasts, and must not keep the body with it.
    function stop(): void {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', fail)
    }
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', fail)
    // An error after the body has arrived concerns nobody.
    request.on('error', ignore)
    body.onLate(fail)
  })
}

function ignore(): void {}

/**
 * The body that middleware has read. Throws BAD_REQUEST for one that can't be written as JSON
 * again.
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
 * The body that middleware has read, as text: middleware hands it on parsed, as a string or as
 * bytes. `undefined` if it is still to be read. Throws BAD_REQUEST if it was read and not handed
 * on.
 */
function givenBody({ body, readableDidRead }: ParsedRequest): string | undefined {
  if (body === undefined || body === null || (isUnparsed(body) && readableDidRead === false)) {
    if (readableDidRead) throw bodyWasRead('Node', 'assign what it has read to `request.body`')
    return undefined
  }
  if (typeof body === 'string') return body
  return isBytes(body) ? new TextDecoder().decode(body) : JSON.stringify(body)
}

/** Whether it is bytes, of any realm: test runners have more than one. */
function isBytes(body: unknown): body is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(body) || Object.prototype.toString.call(body) === '[object ArrayBuffer]'
}

/** Whether it is what Express 4's body parsers leave where they have parsed nothing. */
function isUnparsed(body: unknown): boolean {
  return (
    typeof body === 'object' && body !== null && !isBytes(body) && Object.keys(body).length === 0
  )
}
