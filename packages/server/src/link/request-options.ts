import type { IncomingMessage } from 'node:http'
import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import { RealtimeError } from '@trpc-sse/protocol'
import { callHandler, mustBeValue } from '../user-code/calls.ts'
import { logInDevelopment } from './call/log-in-development.ts'
import type { Middleware } from './options.ts'
import type { TrustProxy } from './request/address.ts'

/**
 * The options that apply to one request: the link's, or the request's own.
 *
 * The app's functions are methods here: TypeScript checks them less strictly, so that functions for
 * any router's context and any adapter's request fit. Their types are checked where the app gives
 * them.
 */
export interface RequestOptions {
  readonly router: AnyTRPCRouter
  readonly basePath?: string
  readonly trustProxy?: TrustProxy
  readonly maxBodySize?: number
  readonly middleware?: Middleware
  createContext?(about: object): unknown
  responseMeta?(about: object): ReturnType<ResponseMetaFn<AnyTRPCRouter>>
  onError?(failure: object): void
  connectionKey?(ctx: unknown): string | undefined
  runWithContext?(ctx: unknown, run: () => void): unknown
}

/** Options that one request has instead of the link's. */
export type OwnOptions = Partial<Omit<RequestOptions, 'router' | 'basePath'>> & {
  readonly path?: string
}

/** Returns the options of one request: the link's, and in their place the request's own. */
export function optionsForRequest(
  link: RequestOptions,
  { request, response, path, ...own }: OwnOptions & { request?: unknown; response?: unknown },
): RequestOptions {
  // A stream keeps its options for as long as it lasts, so it shares the link's where it can.
  return Object.keys(own).length === 0 ? link : { ...link, ...own }
}

/** What an error is about. */
export interface ErrorSubject {
  readonly path: string
  readonly input: unknown
  readonly ctx: unknown
}

/**
 * Calls `onError` for a subscription's error. Whatever `onError` does, the client notices nothing.
 */
export function reportError(
  options: RequestOptions,
  error: TRPCError,
  subject: ErrorSubject,
  req: IncomingMessage | Request,
): void {
  if (options.onError) {
    const failure = { error, ...subject, req, type: 'subscription' }
    callHandler('onError', () => options.onError?.(failure))
  } else {
    logInDevelopment(options.router, subject.path, error)
  }
}

/** A failure, as `onError` gets it. */
export interface Failure {
  readonly error: unknown
  readonly path: string | undefined
}

/** Calls back once for each failure: tRPC's handler reports a subscription's failure twice. */
export function onceEach(callback: (failure: Failure) => void): (failure: Failure) => void {
  const reported = new Map<unknown, Set<unknown>>()
  return (failure) => {
    const paths = reported.get(failure.error) ?? new Set()
    if (paths.has(failure.path)) return
    reported.set(failure.error, paths.add(failure.path))
    callback(failure)
  }
}

/**
 * Calls the app's `connectionKey`; `undefined` where there is none. Throws `INVALID_OPTION` for a
 * key that is no string.
 */
export function connectionKey(options: RequestOptions, ctx: unknown): string | undefined {
  const key = mustBeValue(options.connectionKey?.(ctx), 'connectionKey()') ?? undefined
  if (key === undefined || typeof key === 'string') return key
  const message = `connectionKey() returned a ${typeof key}. Return a string or undefined.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * Calls the app's `responseMeta` for a stream. tRPC calls it before it knows what the stream will
 * send.
 */
export function responseMeta(
  options: Pick<RequestOptions, 'responseMeta'>,
  ctx: unknown,
  info: TRPCRequestInfo,
): ReturnType<ResponseMetaFn<AnyTRPCRouter>> | undefined {
  const about: Parameters<ResponseMetaFn<AnyTRPCRouter>>[0] = {
    ctx,
    info,
    paths: info.calls.map(({ path }) => path),
    type: 'subscription',
    data: [],
    errors: [],
    eagerGeneration: true,
  }
  return mustBeValue(options.responseMeta?.(about), 'responseMeta()')
}

/** Cuts the base path, with or without slashes at its ends, off a URL's path. */
export function procedurePath(pathname: string, basePath = '/'): string {
  const base = basePath.endsWith('/') ? basePath : `${basePath}/`
  return pathname.slice(base.startsWith('/') ? base.length : base.length + 1)
}
