import type { Operation, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter, TRPCCombinedDataTransformer } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { startAlone } from './alone.ts'
import { bothWays, errorOfBody, outputCodec } from './codec.ts'
import type { Member } from './entry.ts'
import { type EnvelopeTeller, tellInEnvelopes } from './envelopes.ts'
import { splitInput } from './input.ts'
import {
  positionsOf,
  type SseHeadersOptions,
  type SseLinkBaseOptions,
  type SseLinkOptions,
  streamSettings,
} from './options.ts'
import type { Endpoint } from './request.ts'
import { createSet, type SetOptions, type SubscriptionSet, type WantedCall } from './set.ts'
import { acrossTabs } from './share.ts'
import { type Codec, tellFrame } from './subscription.ts'

/**
 * Creates a link in which subscriptions end; queries and mutations go on to the next link. A subscription
 * resumes by itself after whatever cut its stream, behind the last event that was handled. All of them share
 * one connection. Throws `INVALID_OPTION`.
 *
 * ```ts
 * createTRPCClient<AppRouter>({ links: [sseLink({ url: '/trpc' }), httpBatchLink({ url: '/trpc' })] })
 * ```
 */
export function sseLink<TRouter extends AnyTRPCRouter>(options: SseLinkOptions<TRouter>): TRPCLink<TRouter> {
  const settings = streamSettings(options)
  const transformer = bothWays(options.transformer)
  return () => {
    const link = createLink(options, transformer, settings)
    return ({ op, next }) => {
      if (op.type !== 'subscription') return next(op)
      return observable((observer) => {
        const told = tellInEnvelopes(options, op, observer)
        try {
          told.connecting(undefined)
          return op.signal?.aborted ? told.stopped() : start(link, op, told)
        } catch (error) {
          return told.failed(error)
        }
      })
    }
  }
}

/** What the subscriptions of a link share. */
interface Link extends SetOptions {
  readonly transformer: TRPCCombinedDataTransformer
  readonly codec: Codec
  readonly set: SubscriptionSet
  /** Whether each subscription has a stream of its own. */
  isSingle: boolean
}

function createLink(
  options: SseLinkBaseOptions,
  transformer: TRPCCombinedDataTransformer,
  settings: ReturnType<typeof streamSettings>,
): Link {
  const codec = outputCodec(transformer)
  const shared: SetOptions = {
    ...settings,
    lingerMs: options.lingerMs ?? 250,
    positions: positionsOf(options, settings),
    endpoint: (opList) => endpointOf(options, opList),
    readErrorBody: (body) => errorOfBody(body, codec),
    onUnknown(status) {
      link.isSingle = true
      tellFallback(options, status)
    },
  }
  const sharing = options.shareAcrossTabs
  const set = createSet(sharing ? acrossTabs(shared, codec, transformer.output.serialize, sharing) : shared)
  const link: Link = { ...shared, transformer, codec, set, isSingle: options.mode === 'single' }
  return link
}

/** Starts a subscription; returns what stops it. */
function start(link: Link, op: Operation, told: EnvelopeTeller): () => void {
  const { input, lastEventId } = splitInput(op.input)
  const inputJson = toJson(link.transformer.input.serialize(input))
  const call: WantedCall = { op, path: op.path, inputJson, lastEventId }
  const member: Member = {
    ...told,
    receive: (frame) => tellFrame(frame, told, link.codec),
    goAlone(from) {
      stop = startAlone(link, { ...call, lastEventId: from }, member)
    },
  }
  let stop = link.isSingle ? startAlone(link, call, member) : link.set.join(call, member)
  told.stopWhenAborted(() => stop())
  return () => {
    stop()
    told.complete()
  }
}

async function endpointOf(
  { url, headers, connectionParams }: SseLinkBaseOptions,
  opList: SseHeadersOptions['opList'],
): Promise<Endpoint> {
  const given = await Promise.all([
    typeof url === 'function' ? url() : url,
    typeof headers === 'function' ? headers({ op: opList[0], opList }) : headers,
    typeof connectionParams === 'function' ? connectionParams() : connectionParams,
  ])
  return { url: String(given[0]), headers: given[1] ?? {}, connectionParams: given[2] }
}

function tellFallback({ onFallback, url }: SseLinkBaseOptions, status: number): void {
  const at = typeof url === 'function' ? '' : ` at ${url}`
  const unknown = "the server doesn't know the multiplexed mode of sseLink"
  const cause = status === 404 ? `either url is wrong, or ${unknown}` : unknown
  const message =
    `The request for all subscriptions${at} was answered with ${status}: ${cause}. Every subscription now asks for a connection ` +
    "of its own. If they work, serve them with @trpc-sse/server, or say so with mode: 'single'."
  if (onFallback) onFallback({ status, message })
  else console.warn(message)
}

function toJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
