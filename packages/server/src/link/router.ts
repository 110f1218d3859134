/**
 * The only file that reads internals of a tRPC router. tRPC's WebSocket adapter reads the same
 * ones.
 */

import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  type AnyTRPCProcedure,
  type AnyTRPCRouter,
  callTRPCProcedure,
  getTRPCErrorShape,
  type TRPCCombinedDataTransformer,
  type TRPCDataTransformer,
  type TRPCError,
} from '@trpc/server'
import { getHTTPStatusCodeFromError } from '@trpc/server/http'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { isPlainObject } from '@trpc-sse/protocol'
import { serialize } from '../codec/codec.ts'
import { outputOf } from '../codec/transformer.ts'
import { logToConsole, mustBeValue } from '../user-code/calls.ts'

/** The option `sse` of `initTRPC.create`. */
export interface RouterSseConfig {
  readonly enabled?: boolean
  readonly ping?: { readonly enabled: boolean; readonly intervalMs?: number }
  readonly emitAndEndImmediately?: boolean
  readonly maxDurationMs?: number
  readonly client?: { readonly reconnectAfterInactivityMs?: number }
}

/** The part of a router's configuration that subscriptions depend on. */
export interface RouterConfig {
  readonly input: TRPCDataTransformer
  /** The transformer for output; `undefined` if there is none. */
  readonly output: TRPCDataTransformer | undefined
  readonly sse: RouterSseConfig
  /** Whether the app runs in development mode. */
  readonly isDev: boolean
  /** The separator between the parts of a path in a URL. */
  readonly pathSeparator: string
}

const configs = new WeakMap<AnyTRPCRouter, RouterConfig>()

/** Returns a router's configuration. Reads it only once. */
export function routerConfig(router: AnyTRPCRouter): RouterConfig {
  const known = configs.get(router) ?? readConfig(router)
  configs.set(router, known)
  return known
}

function readConfig(router: AnyTRPCRouter): RouterConfig {
  const config: {
    transformer: TRPCCombinedDataTransformer
    isDev: boolean
    sse?: RouterSseConfig
    pathSeparator?: string
  } = router._def._config
  const { transformer, isDev, sse = {}, pathSeparator = '.' } = config
  return { input: transformer.input, output: outputOf(transformer), isDev, sse, pathSeparator }
}

interface RouterInternals {
  readonly procedures: Readonly<Record<string, AnyTRPCProcedure>>
  readonly lazy: Readonly<Record<string, { load(): Promise<void> }>>
}

/**
 * Finds a procedure by its dot-separated path. Returns a promise only if a lazy router must be
 * loaded first.
 */
export function findProcedure(
  router: AnyTRPCRouter,
  path: string,
): AnyTRPCProcedure | undefined | Promise<AnyTRPCProcedure | undefined> {
  const { procedures, lazy }: RouterInternals = router._def
  const found = procedures[path]
  if (found) return found
  const loader = Object.keys(lazy).find((key) => path === key || path.startsWith(`${key}.`))
  return loader === undefined
    ? undefined
    : lazy[loader]?.load().then(() => findProcedure(router, path))
}

/**
 * Adds `lastEventId` to an input as tRPC does, but only if the procedure's parsers accept the
 * result; strict objects, for example, don't. (Channels find the id in another way.)
 */
export async function inputWithLastEventId(
  procedure: AnyTRPCProcedure,
  input: unknown,
  lastEventId: string,
): Promise<unknown> {
  if (!(input === undefined || input === null || isPlainObject(input))) return input
  const candidate = { ...input, lastEventId }
  for (const parser of inputParsers(procedure)) {
    if (!isStandardSchema(parser)) continue
    if (!(await accepts(parser, candidate))) return input
  }
  return candidate
}

async function accepts(parser: StandardSchemaV1, value: unknown): Promise<boolean> {
  try {
    return (await parser['~standard'].validate(value)).issues === undefined
  } catch {
    // The parser will throw again when tRPC calls it, and tRPC sends the error.
    return false
  }
}

/** Returns the parsers that were passed to a procedure's `.input()`. */
function inputParsers({ _def }: AnyTRPCProcedure): readonly unknown[] {
  return 'inputs' in _def && Array.isArray(_def.inputs) ? _def.inputs : []
}

function isStandardSchema(parser: unknown): parser is StandardSchemaV1 {
  return (
    (typeof parser === 'object' || typeof parser === 'function') &&
    parser !== null &&
    '~standard' in parser
  )
}

/** One call of a subscription procedure. */
export interface ProcedureCall {
  readonly path: string
  readonly ctx: unknown
  readonly getRawInput: () => Promise<unknown>
  readonly signal: AbortSignal
}

/**
 * Calls a subscription procedure with its middlewares, as tRPC's own callers do. Resolves to the
 * resolver's result.
 */
export function callSubscription(
  router: AnyTRPCRouter,
  procedure: AnyTRPCProcedure | undefined,
  { path, ctx, getRawInput, signal }: ProcedureCall,
): Promise<unknown> {
  const call = { path, ctx, getRawInput, signal, type: 'subscription', batchIndex: 0 } as const
  if (procedure?._def.type === 'subscription') return procedure(call)
  // Rejects with NOT_FOUND, or with the error of a lazy router that can't be loaded.
  return callTRPCProcedure({ ...call, router })
}

/** An error, and the parts that its shape is made from. */
export interface FailedCall {
  readonly router: AnyTRPCRouter
  readonly error: TRPCError
  readonly path: string
  readonly input: unknown
  readonly ctx: unknown
}

/**
 * Writes an error as JSON for tRPC's clients, formatted by the router's errorFormatter and
 * transformed.
 */
export function errorJson({ router, error, path, input, ctx }: FailedCall): string {
  const config = router._def._config
  const { output } = routerConfig(router)
  try {
    const shape: unknown = getTRPCErrorShape({
      config,
      error,
      type: 'subscription',
      path,
      input,
      ctx,
    })
    if (typeof mustBeValue(shape, 'errorFormatter()') === 'object' && shape !== null) {
      return serialize(output, shape) ?? plainErrorJson(router, error, path)
    }
  } catch (cause) {
    // A failing errorFormatter must not hide the original error.
    logToConsole('trpc-sse: errorFormatter failed', cause)
  }
  return plainErrorJson(router, error, path)
}

/**
 * Writes an error in a form that every client understands. Omits the message, which a formatter may
 * want to hide.
 */
function plainErrorJson(router: AnyTRPCRouter, { code }: TRPCError, path: string): string {
  const data = { code, httpStatus: getHTTPStatusCodeFromError({ code } as TRPCError), path }
  const shape = { message: code, code: TRPC_ERROR_CODES_BY_KEY[code], data }
  try {
    return serialize(routerConfig(router).output, shape) ?? JSON.stringify(shape)
  } catch {
    // The transformer failed.
    return JSON.stringify(shape)
  }
}
