import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { ResponseHead, ResponseWriter } from '../connection/response-writer.ts'
import {
  connectionKey,
  type ErrorSubject,
  type RequestOptions,
  reportError,
} from '../request-options.ts'
import { streamHead } from '../response-head.ts'
import { type AddressReader, addressReaderFor } from './address.ts'
import type { IncomingBody } from './body.ts'
import type { Credentials } from './credentials.ts'

/** Reports an error to the app. Doesn't throw. */
export type ReportError = (error: TRPCError, subject: ErrorSubject) => void

/** One request for a stream, in a form that doesn't depend on the runtime. */
export interface StreamRequest {
  readonly url: URL
  readonly writer: ResponseWriter
  /** The address of the socket's peer; `undefined` if it is unknown. */
  readonly peer: string | undefined
  /** The arguments of `createContext` that depend on the runtime. */
  readonly about:
    | { readonly req: IncomingMessage; readonly res: ServerResponse }
    | { readonly req: Request; readonly resHeaders: Headers }
  header(name: 'authorization' | 'cookie' | 'x-forwarded-for'): string | null
  readBody(body: IncomingBody): Promise<string>
}

/** Everything that serving a request needs: the request's own parts, and the app's functions. */
export interface RequestServices {
  readonly url: URL
  readonly writer: ResponseWriter
  /** The client's address; `undefined` if it is unknown. */
  readonly address: string | undefined
  /** The credentials of the sender. */
  readonly credentials: Credentials
  /**
   * Reads the body. Rejects if it is too large, takes too long, or has a content type other than
   * JSON.
   */
  readBody(body: IncomingBody): Promise<string>
  createContext(info: TRPCRequestInfo): unknown
  /** Returns the owner of a connection; `undefined` if the app has no such function. */
  readonly connectionKey: ((ctx: unknown) => string | undefined) | undefined
  /**
   * Restores the app's async context for a subscription whose request another instance received.
   */
  readonly runWithContext: ((ctx: unknown, run: () => void) => unknown) | undefined
  readonly reportError: ReportError
  /** Creates the head of the stream, with the headers that the app adds. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead
}

/** Creates the services of one request. */
export function createServices(
  options: RequestOptions,
  request: StreamRequest,
  addressOf: AddressReader,
): RequestServices {
  const { url, writer, about } = request
  return {
    url,
    writer,
    address: addressReaderFor(options.trustProxy, addressOf)(
      request.peer,
      request.header('x-forwarded-for'),
    ),
    credentials: {
      authorization: request.header('authorization'),
      cookie: request.header('cookie'),
      connectionParams: url.searchParams.get('connectionParams'),
    },
    readBody: (body) => request.readBody(body),
    createContext: (info) => options.createContext?.({ ...about, info }),
    connectionKey: options.connectionKey && ((ctx) => connectionKey(options, ctx)),
    runWithContext: options.runWithContext,
    reportError: errorReporter(options, about.req),
    responseHead: (ctx, info) =>
      streamHead(options, ctx, info, 'resHeaders' in about ? about.resHeaders : undefined),
  }
}

/** A separate function, as a stream keeps the reporter: its closure holds only these two values. */
function errorReporter(options: RequestOptions, req: IncomingMessage | Request): ReportError {
  return (error, subject) => reportError(options, error, subject, req)
}
