import type { Operation, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter, TRPCCombinedDataTransformer } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { bothWays, errorOfBody, outputCodec } from './codec.ts'
import { type EnvelopeTeller, tellInEnvelopes } from './envelopes.ts'
import { splitInput } from './input.ts'
import { type SseLinkBaseOptions, type SseLinkOptions, streamSettings } from './options.ts'
import { type Endpoint, writeSingleRequest } from './request.ts'
import { readSingleFrame } from './single.ts'
import { openStream, type StreamSettings } from './stream.ts'
import { createSubscription } from './subscription.ts'

/**
 * Creates a link in which subscriptions end; queries and mutations go on to the next link. A subscription
 * resumes by itself after whatever cut its stream, behind the last event that was handled.
 * Throws `INVALID_OPTION`.
 *
 * ```ts
 * createTRPCClient<AppRouter>({ links: [sseLink({ url: '/trpc' }), httpBatchLink({ url: '/trpc' })] })
 * ```
 */
export function sseLink<TRouter extends AnyTRPCRouter>(options: SseLinkOptions<TRouter>): TRPCLink<TRouter> {
  const link: Link = {
    options,
    settings: streamSettings(options),
    transformer: bothWays(options.transformer),
  }
  return () => (call) => {
    const { op, next } = call
    if (op.type !== 'subscription') return next(op)
    return observable((observer) => {
      const told = tellInEnvelopes(options, op, observer)
      try {
        told.connecting(undefined)
        return op.signal?.aborted ? told.aborted() : start(link, op, told)
      } catch (error) {
        return told.failed(error)
      }
    })
  }
}

/** What the subscriptions of a link share. */
interface Link {
  readonly options: SseLinkBaseOptions
  readonly settings: StreamSettings
  readonly transformer: TRPCCombinedDataTransformer
}

/** Starts a subscription on a stream of its own; returns what stops it. */
function start(link: Link, op: Operation, told: EnvelopeTeller): () => void {
  const { input, lastEventId } = splitInput(op.input)
  const inputJson = toJson(link.transformer.input.serialize(input))
  const codec = outputCodec(link.transformer)
  const subscription = createSubscription(told, codec, lastEventId)
  const stream = openStream({
    ...link.settings,
    async request() {
      const endpoint = await endpointOf(link.options, op)
      return writeSingleRequest(endpoint, {
        path: op.path,
        inputJson,
        lastEventId: subscription.lastEventId(),
      })
    },
    read: readSingleFrame,
    readErrorBody: (body) => errorOfBody(body, codec),
    onFrame: subscription.receive,
    onPhase(state) {
      if (state.phase === 'ended') op.signal?.removeEventListener('abort', onAbort)
      subscription.onPhase(state)
    },
  })
  function onAbort(): void {
    stream.close()
    told.aborted()
  }
  op.signal?.addEventListener('abort', onAbort)
  return () => {
    stream.close()
    told.complete()
  }
}

async function endpointOf(
  { url, headers, connectionParams }: SseLinkBaseOptions,
  op: Operation,
): Promise<Endpoint> {
  const given = await Promise.all([
    typeof url === 'function' ? url() : url,
    typeof headers === 'function' ? headers({ op }) : headers,
    typeof connectionParams === 'function' ? connectionParams() : connectionParams,
  ])
  return { url: String(given[0]), headers: given[1] ?? {}, connectionParams: given[2] }
}

function toJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
