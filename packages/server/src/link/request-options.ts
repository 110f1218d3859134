import type { IncomingMessage } from 'node:http'
import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { ResponseMetaFn, TRPCRequestInfo } from '@trpc/server/http'
import { RealtimeError } from '@trpc-sse/protocol'
import { callHandler, mustBeValue } from '../user-code/calls.ts'
import { logInDevelopment } from './call/log-in-development.ts'
import type { Middleware } from './options.ts'
import type { TrustProxy } from './request/address.ts'

/**
 * The options that apply to one request: those of the link, or the request's own.
 *
 * The app's functions are declared as methods, which TypeScript checks less strictly: functions for
 * any router's context and any adapter's request fit. Their types are checked where the app passes
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
  expiresAt?(ctx: unknown): Date | number | undefined
  runWithContext?(ctx: unknown, run: () => void): unknown
}

/** Options of one request, which replace those of the link. */
export type OwnOptions = Partial<Omit<RequestOptions, 'router' | 'basePath'>> & {
  readonly path?: string
}

/** Returns the options for one request: those of the link, overridden by the request's own. */
export function optionsForRequest(
  link: RequestOptions,
  given: OwnOptions | undefined,
): RequestOptions {
  if (given === undefined) return link
  const { path, ...own } = given
  // A stream keeps its options until it ends, so it shares the link's options if possible.
  return Object.keys(own).length === 0 ? link : { ...link, ...own }
}

/** The procedure call that an error is about. */
export interface ErrorSubject {
  readonly path: string
  readonly input: unknown
  readonly ctx: unknown
}

/**
 * Calls `onError` for a subscription's error. Errors of `onError` itself don't affect the client.
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

/** A part of the argument of `onError`. */
export interface Failure {
  readonly error: unknown
  readonly path: string | undefined
}

/**
 * Wraps a callback so that each failure is reported once: tRPC's handler reports a subscription's
 * failure twice.
 */
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
 * Calls the app's `connectionKey`, if there is one. Throws `INVALID_OPTION` for a key that isn't a
 * string or `undefined`.
 */
export function connectionKey(options: RequestOptions, ctx: unknown): string | undefined {
  const key = mustBeValue(options.connectionKey?.(ctx), 'connectionKey()') ?? undefined
  if (key === undefined || typeof key === 'string') return key
  const message = `connectionKey() returned a ${typeof key}. Return a string or undefined.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * Calls the app's `expiresAt`, if there is one. Returns milliseconds since 1970. Throws
 * `INVALID_OPTION` for any other result than a valid date or number, and for seconds.
 */
export function expiresAt(options: RequestOptions, ctx: unknown): number | undefined {
  const at = mustBeValue(options.expiresAt?.(ctx), 'expiresAt()') ?? undefined
  if (at === undefined) return undefined
  const ms = at instanceof Date ? at.getTime() : at
  if (typeof ms === 'number' && !Number.isNaN(ms) && !looksLikeSeconds(ms)) return ms
  const message = `expiresAt() returned ${String(at)}. Return a Date, milliseconds since 1970, or undefined. The "exp" of a JWT is in seconds: multiply it by 1,000.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * Whether a time was probably given in seconds: as seconds, it is between 2001 and 2286; as
 * milliseconds, in early 1970. All streams would then be refused, as if their tokens had expired.
 */
const looksLikeSeconds = (ms: number): boolean => ms >= 1e9 && ms < 1e10

/**
 * Calls the app's `responseMeta` for a stream. As in tRPC, this happens before the first data or
 * error is known.
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

/** Removes the base path from a URL's path. The base path may have slashes at either end. */
export function procedurePath(pathname: string, basePath = '/'): string {
  const base = basePath.endsWith('/') ? basePath : `${basePath}/`
  return pathname.slice(base.startsWith('/') ? base.length : base.length + 1)
}
