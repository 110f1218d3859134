import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from '@trpc/server'
import { parseConnectionParamsFromString, type TRPCRequestInfo } from '@trpc/server/http'
import {
  invalidLastEventId,
  isNestedTooDeep,
  maxJsonDepth,
  maxLastEventIdLength,
} from '@trpc-sse/protocol'
import type { Mutable } from '../../mutable.ts'
import { badRequest } from '../../subscription/errors.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import { findProcedure, inputWithLastEventId, routerConfig } from '../router.ts'

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
  /** `undefined` if there is none at the path. */
  readonly procedure: AnyTRPCProcedure | undefined
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /** The input as it was sent, deserialized, with `lastEventId` where tRPC puts it. Rejects with BAD_REQUEST. */
  getRawInput(): Promise<unknown>
  /** What an error is told to be about. Keep this one for as long as a stream lasts, and not the request. */
  readonly subject: RequestSubject
}

/** What a subscription is asked for with. */
export interface RequestSubject {
  readonly path: string
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
    const lastEventId = lastEventIdOf(request)
    const input = searchParams.get('input')
    const readInput = (): unknown => (input ? parseInput(input) : undefined)
    return createSubscriptionRequest(router, {
      path,
      procedure,
      lastEventId,
      connectionParams,
      readInput,
    })
  } catch {
    // tRPC's handler meets the same fault, and answers it in its own words.
    return undefined
  }
}

function parseInput(input: string): unknown {
  if (!isNestedTooDeep(input)) return JSON.parse(input)
  throw new TRPCError({
    code: 'BAD_REQUEST',
    message: `The input is nested more than ${maxJsonDepth} deep.`,
  })
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

function lastEventIdOf({ header, url: { searchParams } }: IncomingRequest): string | undefined {
  const query = searchParams.get('lastEventId') ?? searchParams.get('Last-Event-Id')
  return header('last-event-id') ?? query ?? undefined
}

/** What a {@link SubscriptionRequest} is made of. */
export interface SubscriptionRequestParts {
  readonly path: string
  /** `undefined` if there is none at the path: the call will say so. */
  readonly procedure: AnyTRPCProcedure | undefined
  /** Where the client resumes; `''` is nowhere. */
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /** Gives the input as it was sent, transformed. */
  readInput(): unknown
}

/** Creates the request of one subscription, in either mode. */
export function createSubscriptionRequest(
  router: AnyTRPCRouter,
  parts: SubscriptionRequestParts,
): SubscriptionRequest {
  const { path, procedure, connectionParams } = parts
  const lastEventId = parts.lastEventId || undefined
  const subject: Mutable<RequestSubject> = { path, input: undefined }
  let reading: Promise<unknown> | undefined

  async function read(): Promise<unknown> {
    if (lastEventId !== undefined && lastEventId.length > maxLastEventIdLength) {
      throw badRequest(invalidLastEventId(lastEventId))
    }
    const input = deserializeInput(router, parts.readInput)
    subject.input = input
    return procedure ? await inputWithLastEventId(procedure, input, lastEventId) : input
  }

  return {
    path,
    procedure,
    connectionParams,
    lastEventId,
    getRawInput() {
      reading ??= read()
      return reading
    },
    subject,
  }
}

function deserializeInput(router: AnyTRPCRouter, readInput: () => unknown): unknown {
  try {
    const sent = readInput()
    if (sent === undefined) return undefined
    return mustBeValue(
      routerConfig(router).input.deserialize(sent),
      'The transformer’s deserialize()',
    )
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause
    const message = cause instanceof Error ? cause.message : 'Invalid input'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

/** What tRPC tells `createContext` of a request for subscriptions. */
export function requestInfo(
  requests: readonly SubscriptionRequest[],
  url: URL,
  signal: AbortSignal,
): TRPCRequestInfo {
  return {
    accept: null,
    type: 'subscription',
    isBatchCall: false,
    calls: requests.map((request, batchIndex) => ({
      path: request.path,
      getRawInput: () => request.getRawInput(),
      result: () => request.subject.input,
      procedure: request.procedure ?? null,
      batchIndex,
    })),
    connectionParams: requests[0]?.connectionParams ?? null,
    signal,
    url,
  }
}
