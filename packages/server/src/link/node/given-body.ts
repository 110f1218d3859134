import type { IncomingMessage } from 'node:http'
import { TRPCError } from '@trpc/server'

/** A request that may have come through body parsers. */
export type ParsedRequest = IncomingMessage & { readonly body?: unknown }

/**
 * The body that middleware has read before us, as text: parsed, as a string, or as bytes. `undefined` if the request
 * still has it.
 *
 * @throws BAD_REQUEST if it was read and not handed on.
 */
export function givenBody(request: ParsedRequest): string | undefined {
  const { body, readableDidRead } = request
  if (body === undefined || body === null || (isUnparsed(body) && readableDidRead === false)) {
    if (readableDidRead) throw bodyWasRead('Node', 'assign what it has read to `request.body`')
    return undefined
  }
  if (typeof body === 'string') return body
  return isBytes(body) ? new TextDecoder().decode(body) : JSON.stringify(body)
}

/** The error for a request whose body is gone. */
export function bodyWasRead(whose: 'Node' | 'fetch', remedy: string): TRPCError {
  const message = `The body of this ${whose} request has already been read, by a middleware or by the app, and was not handed on. Put that behind this handler, or ${remedy}.`
  return new TRPCError({ code: 'BAD_REQUEST', message })
}

/** Whether it is bytes, of whichever realm: test runners have more than one. */
function isBytes(body: unknown): body is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(body) || Object.prototype.toString.call(body) === '[object ArrayBuffer]'
}

/** What body parsers of Express 4 leave where they have parsed nothing. */
function isUnparsed(body: unknown): boolean {
  return (
    typeof body === 'object' && body !== null && !isBytes(body) && Object.keys(body).length === 0
  )
}
