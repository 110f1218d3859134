import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AnyTRPCRouter, TRPCError } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { callHandler, mustBeValue } from '../user-code/calls.ts'
import { logInDevelopment } from './call/mistakes.ts'
import type { TrustProxy } from './request/address.ts'
import type { ResponseMeta } from './response-head.ts'

/** A link's options, as its two sides use them: the types of contexts and requests are checked where they come in. */
export interface LinkOptions {
  readonly router: AnyTRPCRouter
  readonly basePath?: string
  readonly createContext?: (opts: never) => unknown
  readonly responseMeta?: (about: never) => ReturnType<ResponseMeta>
  readonly onError?: (failure: never) => void
  readonly connectionKey?: (ctx: never) => string | undefined
  readonly middleware?: (
    req: IncomingMessage,
    res: ServerResponse,
    next: (error?: unknown) => void,
  ) => void
  readonly trustProxy?: TrustProxy
  readonly runWithContext?: (ctx: never, run: () => void) => unknown
  readonly maxBodySize?: number
}

/** What one request may have of its own, instead of the link's. */
export type CallOverrides = Partial<Omit<LinkOptions, 'router' | 'basePath'>> & {
  readonly path?: string
}

/** The options of one call: the link's, with the call's own in their place. */
export function optionsOf(
  link: LinkOptions,
  { request, response, path, ...own }: CallOverrides & { request?: unknown; response?: unknown },
): LinkOptions {
  // A stream keeps its options for as long as it lasts: without any of its own it shares the link's.
  return Object.keys(own).length === 0 ? link : { ...link, ...own }
}

/** Calls `createContext`, if there is one. */
export function createContext(options: Pick<LinkOptions, 'createContext'>, about: object): unknown {
  return options.createContext?.(about as never)
}

/** Tells `onError`, if there is one, of a subscription's error. It may throw, or reject; that changes nothing for the client. */
export function reportError(
  { router, onError }: LinkOptions,
  about: {
    error: TRPCError
    path: string
    input: unknown
    ctx: unknown
    req: IncomingMessage | Request
  },
): void {
  if (onError) callHandler('onError', () => onError({ ...about, type: 'subscription' } as never))
  else logInDevelopment(router, about.path, about.error)
}

/** Tells `onError` of each failure once: tRPC's handler tells of a subscription's twice. */
export function toldOnce(onError: LinkOptions['onError']): (failure: Failure) => void {
  const told = new Map<unknown, Set<unknown>>()
  return (failure) => {
    const paths = told.get(failure.error) ?? new Set()
    if (paths.has(failure.path)) return
    told.set(failure.error, paths.add(failure.path))
    callHandler('onError', () => onError?.(failure as never))
  }
}

/** What `onError` is told, as far as it matters here. */
export interface Failure {
  readonly error: unknown
  readonly path: string | undefined
}

/** Whose a connection is, for the app's contexts. Throws `INVALID_OPTION` for what is no text. */
export function connectionKey({
  connectionKey: keyOf,
}: LinkOptions): ((ctx: unknown) => string | undefined) | undefined {
  return keyOf && ((ctx) => mustBeKey(keyOf(ctx as never)))
}

function mustBeKey(given: unknown): string | undefined {
  const key = mustBeValue(given, 'connectionKey()') ?? undefined
  if (key === undefined || typeof key === 'string') return key
  const message = `connectionKey() returned a ${typeof key}. Return a text, or nothing.`
  throw new RealtimeError('INVALID_OPTION', message)
}

/** Cuts the base path, with or without slashes at its ends, off a URL's path. */
export function procedurePath(pathname: string, basePath = '/'): string {
  const base = basePath.endsWith('/') ? basePath : `${basePath}/`
  return pathname.slice(base.startsWith('/') ? base.length : base.length + 1)
}
