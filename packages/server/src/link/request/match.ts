import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from '@trpc/server'
import { parseConnectionParamsFromString } from '@trpc/server/http'
import { isNestedTooDeep, maxJsonDepth } from '@trpc-sse/protocol'
import { findProcedure, routerConfig } from '../router.ts'
import { createSubscriptionRequest, type SubscriptionRequest } from './subscription-request.ts'

/** The parts of an HTTP request that determine its subscription. */
export interface IncomingRequest {
  readonly method: string
  readonly url: URL
  /** The procedure's path in encoded form, without the base path. */
  readonly path: string
  header(name: string): string | null
}

/**
 * Finds the subscription that a request is for. Returns `undefined` for all requests that tRPC's
 * own handler answers: queries, mutations, unknown paths, malformed requests, other methods.
 * Returns a promise only if a lazy router must be loaded.
 */
export function matchSubscription(
  router: AnyTRPCRouter,
  request: IncomingRequest,
): SubscriptionRequest | undefined | Promise<SubscriptionRequest | undefined> {
  const { sse, pathSeparator } = routerConfig(router)
  const isForTrpc = sse.enabled === false || sse.emitAndEndImmediately === true
  if (request.method !== 'GET' || isForTrpc) return undefined
  if (request.url.searchParams.get('batch') === '1' || wantsJsonLines(request)) return undefined
  try {
    const path = decodeURIComponent(request.path).replaceAll(pathSeparator, '.')
    const found = findProcedure(router, path)
    return found instanceof Promise
      ? found.then((procedure) => toSubscription(router, request, path, procedure)).catch(forTrpc)
      : toSubscription(router, request, path, found)
  } catch {
    return forTrpc()
  }
}

/** Ignores an error: tRPC's handler will get the same error, and sends its usual response. */
function forTrpc(): undefined {}

function toSubscription(
  router: AnyTRPCRouter,
  request: IncomingRequest,
  path: string,
  procedure: AnyTRPCProcedure | undefined,
): SubscriptionRequest | undefined {
  if (procedure?._def.type !== 'subscription') return undefined
  const { searchParams } = request.url
  const params = searchParams.get('connectionParams')
  const input = searchParams.get('input')
  return createSubscriptionRequest(router, {
    path,
    procedure,
    lastEventId: lastEventIdOf(request),
    connectionParams: params === null ? null : parseConnectionParamsFromString(params),
    readInput: () => (input ? parseInput(input) : undefined),
  })
}

function parseInput(input: string): unknown {
  if (!isNestedTooDeep(input)) return JSON.parse(input)
  const message = `The input is nested more than ${maxJsonDepth} deep.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

/** Whether tRPC treats a request as one from `httpBatchStreamLink`. */
function wantsJsonLines(request: IncomingRequest): boolean {
  const jsonLines = 'application/jsonl'
  const accepted = request.header('trpc-accept')
  if (accepted !== null) return accepted === jsonLines
  const types = request.header('accept')
  return (
    types?.includes(jsonLines) === true &&
    types.split(',').some((type) => type.trim() === jsonLines)
  )
}

function lastEventIdOf(request: IncomingRequest): string | undefined {
  const { searchParams } = request.url
  const query = searchParams.get('lastEventId') ?? searchParams.get('Last-Event-Id')
  return request.header('last-event-id') ?? query ?? undefined
}
