import { type AnyTRPCRouter, TRPCError } from '@trpc/server'
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
 */
export async function matchSubscription(
  router: AnyTRPCRouter,
  request: IncomingRequest,
): Promise<SubscriptionRequest | undefined> {
  const { sse, pathSeparator } = routerConfig(router)
  const { searchParams } = request.url
  const isForTrpc = sse.enabled === false || sse.emitAndEndImmediately === true
  if (request.method !== 'GET' || searchParams.get('batch') === '1' || isForTrpc) return undefined
  if (wantsJsonLines(request)) return undefined
  try {
    const path = decodeURIComponent(request.path).replaceAll(pathSeparator, '.')
    const procedure = await findProcedure(router, path)
    if (procedure?._def.type !== 'subscription') return undefined
    const params = searchParams.get('connectionParams')
    const input = searchParams.get('input')
    return createSubscriptionRequest(router, {
      path,
      procedure,
      lastEventId: lastEventIdOf(request),
      connectionParams: params === null ? null : parseConnectionParamsFromString(params),
      readInput: () => (input ? parseInput(input) : undefined),
    })
  } catch {
    // tRPC's handler will get the same error, and sends its usual response.
    return undefined
  }
}

function parseInput(input: string): unknown {
  if (!isNestedTooDeep(input)) return JSON.parse(input)
  const message = `The input is nested more than ${maxJsonDepth} deep.`
  throw new TRPCError({ code: 'BAD_REQUEST', message })
}

/** Whether tRPC treats a request as one from `httpBatchStreamLink`. */
function wantsJsonLines({ header }: IncomingRequest): boolean {
  const jsonLines = 'application/jsonl'
  const accepted = header('trpc-accept')
  if (accepted !== null) return accepted === jsonLines
  const types = header('accept')
  return (
    types?.includes(jsonLines) === true &&
    types.split(',').some((type) => type.trim() === jsonLines)
  )
}

function lastEventIdOf({ header, url: { searchParams } }: IncomingRequest): string | undefined {
  const query = searchParams.get('lastEventId') ?? searchParams.get('Last-Event-Id')
  return header('last-event-id') ?? query ?? undefined
}
