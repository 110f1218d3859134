import { type AnyTRPCProcedure, type AnyTRPCRouter, TRPCError } from '@trpc/server'
import type { TRPCRequestInfo } from '@trpc/server/http'
import { invalidLastEventId, maxLastEventIdLength } from '@trpc-sse/protocol'
import { badRequest } from '../../subscription/errors.ts'
import { mustBeValue } from '../../user-code/calls.ts'
import { inputWithLastEventId, routerConfig } from '../router.ts'

/** A client's request for one subscription. */
export interface SubscriptionRequest {
  readonly path: string
  /** The procedure; `undefined` if there is none at the path. */
  readonly procedure: AnyTRPCProcedure | undefined
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /**
   * Returns the deserialized input, with `lastEventId` added as tRPC does. Rejects with
   * BAD_REQUEST.
   */
  readonly getRawInput: () => Promise<unknown>
  /** The part of the request that errors refer to. A stream keeps only this part until it ends. */
  readonly subject: RequestSubject
}

/** The path and the input of a request. */
export interface RequestSubject {
  readonly path: string
  /** The deserialized input, once it was read. */
  readonly input: unknown
}

/** The parts of a {@link SubscriptionRequest}. */
export interface SubscriptionRequestParts {
  readonly path: string
  /** The procedure; `undefined` if there is none at the path, in which case the call fails. */
  readonly procedure: AnyTRPCProcedure | undefined
  /** The id that the client resumes from, if there is one. `''` means none. */
  readonly lastEventId: string | undefined
  readonly connectionParams: TRPCRequestInfo['connectionParams']
  /** Returns the input in the form that the client sent, not yet deserialized. */
  readInput(): unknown
}

/** Creates the request for one subscription in either mode. */
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
    return procedure && lastEventId !== undefined
      ? await inputWithLastEventId(procedure, input, lastEventId)
      : input
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

/** Creates the `info` argument of tRPC's `createContext` for a request for subscriptions. */
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
      getRawInput: request.getRawInput,
      result: () => request.subject.input,
      procedure: request.procedure ?? null,
      batchIndex,
    })),
    connectionParams: requests[0]?.connectionParams ?? null,
    signal,
    url,
  }
}
