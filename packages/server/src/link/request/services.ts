import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import type { ResponseHead, ResponseWriter } from '../connection/response-writer.ts'
import {
  connectionKey,
  type ErrorSubject,
  expiresAt,
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
export class RequestServices {
  readonly url: URL
  readonly writer: ResponseWriter
  /** The client's address; `undefined` if it is unknown. */
  readonly address: string | undefined
  readonly reportError: ReportError
  readonly #options: RequestOptions
  readonly #request: StreamRequest

  constructor(options: RequestOptions, request: StreamRequest, addressOf: AddressReader) {
    this.#options = options
    this.#request = request
    this.url = request.url
    this.writer = request.writer
    const readAddress = addressReaderFor(options.trustProxy, addressOf)
    this.address = readAddress(request.peer, request.header('x-forwarded-for'))
    this.reportError = errorReporter(options, request.about.req)
  }

  /** The credentials of the sender. */
  get credentials(): Credentials {
    return {
      authorization: this.#request.header('authorization'),
      cookie: this.#request.header('cookie'),
      connectionParams: this.url.searchParams.get('connectionParams'),
    }
  }

  /** Whether the app has a `connectionKey`. */
  get hasKeys(): boolean {
    return this.#options.connectionKey !== undefined
  }

  /**
   * Restores the app's async context for a subscription whose request another instance received.
   */
  get runWithContext(): RequestOptions['runWithContext'] {
    return this.#options.runWithContext
  }

  /**
   * Reads the body. Rejects if it is too large, takes too long, or has a content type other than
   * JSON.
   */
  readBody(body: IncomingBody): Promise<string> {
    return this.#request.readBody(body)
  }

  createContext(info: TRPCRequestInfo): unknown {
    return this.#options.createContext?.({ ...this.#request.about, info })
  }

  /** Returns the owner of a connection, as the app's `connectionKey` determines it. */
  keyOf(ctx: unknown): string | undefined {
    return connectionKey(this.#options, ctx)
  }

  /** Returns the end of the sender's access, in milliseconds since 1970, if the app sets one. */
  expiresAt(ctx: unknown): number | undefined {
    return expiresAt(this.#options, ctx)
  }

  /** Creates the head of the stream, with the headers that the app adds. */
  responseHead(ctx: unknown, info: TRPCRequestInfo): ResponseHead {
    const { about } = this.#request
    const added = 'resHeaders' in about ? about.resHeaders : undefined
    return streamHead(this.#options, ctx, info, added)
  }
}

/** A separate function, as a stream keeps the reporter: its closure holds only these two values. */
function errorReporter(options: RequestOptions, req: IncomingMessage | Request): ReportError {
  return (error, subject) => reportError(options, error, subject, req)
}
