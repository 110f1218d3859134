import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import { invalidLastEventId, maxLastEventIdLength } from '@trpc-sse/protocol'
import { badRequest } from '../../subscription/errors.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import { inputWithLastEventId, routerConfig } from '../router.ts'

/** A subscription that a client asks for. */
export interface SubscriptionRequest {
  readonly path: string
  /** `undefined` if there is none at the path. */
  readonly procedure: AnyTRPCProcedure | undefined
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /**
   * The input as it was sent, deserialized, with `lastEventId` where tRPC puts it. Rejects with
   * BAD_REQUEST.
   */
  getRawInput(): Promise<unknown>
  /** What errors are about. A stream keeps this for as long as it lasts, and not the request. */
  readonly subject: RequestSubject
}

/** What a client asks for. */
export interface RequestSubject {
  readonly path: string
  /** The input as it was sent, deserialized, once it was read. */
  readonly input: unknown
}

/** What a {@link SubscriptionRequest} is made from. */
export interface SubscriptionRequestParts {
  readonly path: string
  /** `undefined` if there is none at the path: the call then fails. */
  readonly procedure: AnyTRPCProcedure | undefined
  /** The id that the client resumes from; `''` for none. */
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /** Returns the input as it was sent, transformed. */
  readInput(): unknown
}

/** Creates the request for one subscription, in either mode. */
export function createSubscriptionRequest(
  router: AnyTRPCRouter,
  parts: SubscriptionRequestParts,
): SubscriptionRequest {
  const { path, procedure, connectionParams } = parts
  const lastEventId = parts.lastEventId || undefined
  const subject: { readonly path: string; input: unknown } = { path, input: undefined }
  let reading: Promise<unknown> | undefined

  async function read(): Promise<unknown> {
    if (lastEventId !== undefined && lastEventId.length > maxLastEventIdLength)
      throw badRequest(invalidLastEventId(lastEventId))
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
    const { input } = routerConfig(router)
    return mustBeValue(input.deserialize(sent), 'The transformer’s deserialize()')
  } catch (cause) {
    if (cause instanceof TRPCError) throw cause
    const message = cause instanceof Error ? cause.message : 'Invalid input'
    throw new TRPCError({ code: 'BAD_REQUEST', message, cause })
  }
}

/** Makes what tRPC's `createContext` gets for a request for subscriptions. */
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
