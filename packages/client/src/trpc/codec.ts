import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter, TRPCCombinedDataTransformer, TRPCDataTransformer } from '@trpc/server'
import type { TRPC_ERROR_CODES_BY_KEY, TRPCErrorShape } from '@trpc/server/rpc'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Codec, SubscriptionEnd } from '../set/member.ts'

/** A tRPC error of any router. */
export type ClientError = TRPCClientError<AnyTRPCRouter>

/** Returns both directions of a transformer. Without a transformer, values stay unchanged. */
export function bothWays(
  transformer: TRPCDataTransformer | TRPCCombinedDataTransformer | undefined,
): TRPCCombinedDataTransformer {
  if (transformer === undefined) return { input: asItIs, output: asItIs }
  return 'input' in transformer ? transformer : { input: transformer, output: transformer }
}

const asItIs: TRPCDataTransformer = { serialize: (value) => value, deserialize: (value) => value }

/** Returns a codec for events and errors of a server with this transformer. */
export function outputCodec(output: TRPCDataTransformer): Codec {
  return {
    serialize: (value) => output.serialize(value),
    event: (serialized) => output.deserialize(serialized),
    error(serialized) {
      try {
        const shape: unknown = output.deserialize(serialized)
        if (!isErrorShape(shape)) return unreadable()
        const type = retryableCodes.some((code) => code === shape.code) ? 'lost' : 'end'
        return { type, error: TRPCClientError.from({ error: shape }) }
      } catch (cause) {
        return unreadable(cause)
      }
    },
  }
}

function unreadable(cause?: unknown): SubscriptionEnd {
  const message = "The error can't be read. Give sseLink the same transformer as initTRPC.create."
  return { type: 'end', error: new RealtimeError('INVALID_MESSAGE', message, { cause }) }
}

/** Returns the error in the body of a refusal, if tRPC wrote the body, and not a gateway. */
export function errorOfBody(body: string, codec: Codec): Error | undefined {
  try {
    const responseJSON: Record<string, unknown> = JSON.parse(body)
    const { error } = codec.error(responseJSON.error)
    if (!(error instanceof TRPCClientError)) return undefined
    // tRPC's own links set the same field.
    error.meta = { responseJSON }
    return error
  } catch {
    return undefined
  }
}

/**
 * Returns the error of one subscription from the refusal of a set (P50). If it has none, returns
 * that of the refusal.
 */
export function errorOfKey(refusal: unknown, key: string, codec: Codec): unknown {
  const errors: unknown = Object(Object(Object(refusal).meta).responseJSON).errors
  if (!Object.hasOwn(Object(errors), key)) return refusal
  const { error } = codec.error(Object(errors)[key])
  return error instanceof TRPCClientError ? error : refusal
}

/** Converts anything that was thrown to tRPC's error. */
export function clientError(error: unknown): ClientError {
  return TRPCClientError.from(
    error instanceof Error ? error : new Error(String(error), { cause: error }),
  )
}

/**
 * tRPC's error numbers, by name. It is only a type: it checks the numbers below, and adds nothing
 * to the bundle.
 */
type Codes = typeof TRPC_ERROR_CODES_BY_KEY

/**
 * The errors that tRPC's own link retries, and others that are temporary. The first number is the
 * same for all 5xx codes of tRPC.
 */
const retryableCodes: readonly [
  Codes['INTERNAL_SERVER_ERROR' | 'BAD_GATEWAY' | 'SERVICE_UNAVAILABLE' | 'GATEWAY_TIMEOUT'],
  Codes['TIMEOUT'],
  Codes['TOO_MANY_REQUESTS'],
] = [-32603, -32008, -32029]

function isErrorShape(value: unknown): value is TRPCErrorShape {
  const { code, message }: Partial<Record<keyof TRPCErrorShape, unknown>> = Object(value)
  return typeof code === 'number' && typeof message === 'string'
}
