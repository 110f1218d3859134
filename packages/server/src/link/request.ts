import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from '@trpc/server'
import { parseConnectionParamsFromString, type TRPCRequestInfo } from '@trpc/server/http'
import { invalidLastEventId, maxLastEventIdLength } from '@trpc-sse/protocol'
import { badRequest } from '../resume.ts'
import { findProcedure, inputWithLastEventId, routerConfig } from './trpc.ts'

/** An HTTP request, as far as it says which subscription is wanted. */
export interface IncomingRequest {
  readonly method: string
  readonly url: URL
  /** The path of the procedure, without the base path; still encoded. */
  readonly path: string
  header(name: string): string | null
}

/** A subscription that a client asks for. */
export interface SubscriptionRequest {
  readonly path: string
  readonly procedure: AnyTRPCProcedure
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /** The input as it was sent, deserialized, with `lastEventId` where tRPC puts it. Rejects with BAD_REQUEST. */
  getRawInput(): Promise<unknown>
  /** The input as it was sent, deserialized, once it was read. */
  readonly input: unknown
}

/**
 * Finds the subscription that a request asks for. `undefined` for everything that tRPC's own handler answers: queries,
 * mutations, unknown paths, malformed requests, other methods.
 */
export async function matchSubscription(
  router: AnyTRPCRouter,
  request: IncomingRequest,
): Promise<SubscriptionRequest | undefined> {
  const { sse, pathSeparator } = routerConfig(router)
  const { searchParams } = request.url
  const asTrpc = sse.enabled === false || sse.emitAndEndImmediately === true
  if (request.method !== 'GET' || searchParams.get('batch') === '1' || asTrpc) return undefined
  if (wantsJsonLines(request)) return undefined
  try {
    const path = decodeURIComponent(request.path).replaceAll(pathSeparator, '.')
    const procedure = await findProcedure(router, path)
    if (procedure?._def.type !== 'subscription') return undefined
    const params = searchParams.get('connectionParams')
    const connectionParams = params === null ? null : parseConnectionParamsFromString(params)
    return createRequest(router, request, path, procedure, connectionParams)
  } catch {
    // tRPC's handler meets the same fault, and answers it in its own words.
    return undefined
  }
}

/** Whether tRPC takes a request for one of `httpBatchStreamLink`. */
function wantsJsonLines({ header }: IncomingRequest): boolean {
  const jsonLines = 'application/jsonl'
  const accepted = header('trpc-accept')
  if (accepted !== null) return accepted === jsonLines
  return (
    header('accept')
      ?.split(',')
      .some((type) => type.trim() === jsonLines) ?? false
  )
}

function createRequest(
  router: AnyTRPCRouter,
  { url, header }: IncomingRequest,
  path: string,
  procedure: AnyTRPCProcedure,
  connectionParams: TRPCRequestInfo['connectionParams'],
): SubscriptionRequest {
  const lastEventId =
    header('last-event-id') ??
    url.searchParams.get('lastEventId') ??
    url.searchParams.get('Last-Event-Id') ??
    ''
  let input: unknown
  let reading: Promise<unknown> | undefined

  async function read(): Promise<unknown> {
    if (lastEventId.length > maxLastEventIdLength) throw badRequest(invalidLastEventId(lastEventId))
    input = parseInput(router, url.searchParams.get('input'))
    return await inputWithLastEventId(procedure, input, lastEventId || undefined)
  }

  return {
    path,
    procedure,
    lastEventId: lastEventId || undefined,
    connectionParams,
    getRawInput() {
      reading ??= read()
      return reading
    },
    get input() {
      return input
    },
  }
}

function parseInput(router: AnyTRPCRouter, text: string | null): unknown {
  if (!text) return undefined
  try {
    return routerConfig(router).input.deserialize(JSON.parse(text))
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause
    const message = cause instanceof Error ? cause.message : 'Invalid input'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

/** What tRPC tells `createContext` of a request. */
export function requestInfo(request: SubscriptionRequest, url: URL, signal: AbortSignal): TRPCRequestInfo {
  const call = {
    path: request.path,
    getRawInput: () => request.getRawInput(),
    result: () => request.input,
    procedure: request.procedure,
    batchIndex: 0,
  }
  return {
    accept: null,
    type: 'subscription',
    isBatchCall: false,
    calls: [call],
    connectionParams: request.connectionParams,
    signal,
    url,
  }
}
