import type { Operation, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter, TRPCCombinedDataTransformer } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { elapsedTime } from '@trpc-sse/protocol'
import {
  positionsOf,
  type SseHeadersOptions,
  type SseLinkBaseOptions,
  type SseLinkOptions,
  streamSettings,
} from './options/options.ts'
import { acrossTabs } from './options/tab-sharing.ts'
import { tellFrame } from './set/observer.ts'
import { createSet, identityOf, type SetOptions, type WantedCall } from './set/set.ts'
import type { Member } from './set/shared-subscription.ts'
import { startAlone } from './set/single-subscription.ts'
import { createFailures, type LastFailure } from './stream/failures.ts'
import { createFallbackMemory, type FallbackMemory } from './stream/fallback.ts'
import { lastingMs } from './stream/retry.ts'
import type { StreamSettings } from './stream/stream.ts'
import { bothWays, errorOfBody, errorOfKey, outputCodec } from './trpc/codec.ts'
import { type EnvelopeTeller, tellInEnvelopes } from './trpc/envelopes.ts'
import { splitInput } from './trpc/input.ts'
import type { Endpoint } from './wire/request.ts'

/**
 * Creates a link in which subscriptions end; queries and mutations go on to the next link. A subscription
 * resumes by itself after whatever cut its stream, behind the last event that was handled. All of them share
 * one connection. Throws `INVALID_OPTION`.
 *
 * ```ts
 * createTRPCClient<AppRouter>({ links: [sseLink({ url: '/trpc' }), httpBatchLink({ url: '/trpc' })] })
 * ```
 */
export function sseLink<TRouter extends AnyTRPCRouter>(
  options: SseLinkOptions<TRouter>,
): TRPCLink<TRouter> {
  const settings = streamSettings(options)
  const transformer = bothWays(options.transformer)
  const memory = createFallbackMemory(settings.clock, settings.fetch)
  return () => {
    const start = createStarter(options, transformer, settings, memory)
    return ({ op, next }) => {
      if (op.type !== 'subscription') return next(op)
      return observable((observer) => {
        const told = tellInEnvelopes(options, op, observer)
        try {
          told.connecting(undefined)
          return op.signal?.aborted ? told.stopped() : start(op, told)
        } catch (error) {
          return told.failed(error)
        }
      })
    }
  }
}

/** Starts a subscription; returns what stops it. */
type Starter = (op: Operation, told: EnvelopeTeller) => () => void

/** Creates what the subscriptions of a link share. */
function createStarter(
  options: SseLinkBaseOptions,
  { input, output }: TRPCCombinedDataTransformer,
  settings: StreamSettings,
  memory: FallbackMemory,
): Starter {
  const codec = outputCodec(output)
  const { lingerMs = 250 } = options
  const shared: SetOptions = {
    ...settings,
    lingerMs,
    positions: positionsOf(options, settings),
    endpoint: (opList) => endpointOf(options, opList),
    readErrorBody: (body) => errorOfBody(body, codec),
    readOwnError: (refusal, key) => errorOfKey(refusal, key, codec),
    onUnknown(status) {
      isSingle = true
      memory.remember(status)
      tellFallback(options, status)
    },
    onKnown() {
      if (isSingle) memory.forget()
    },
  }
  const ofSet: SetOptions = { ...shared, fetch: memory.fetch }
  const set = createSet(acrossTabs(options.shareAcrossTabs, ofSet, codec))
  const failures = createFailures(settings.clock, settings.retry)
  const elapsedMs = elapsedTime(settings.clock)
  /** Whether each subscription has a stream of its own. */
  let isSingle = options.mode === 'single' || !!settings.receive

  /** Tells a subscription's news, and keeps account of how often it fails. */
  function countFailures(call: WantedCall, told: EnvelopeTeller): Omit<Member, 'goAlone'> {
    const { path } = call
    const identity = identityOf(call)
    let startedMs = Infinity
    function add(error: unknown, cause: unknown): void {
      const hasLasted = elapsedMs() - startedMs >= lastingMs
      startedMs = Infinity
      failures.add({ identity, path, hasLasted }, error, cause)
    }
    return {
      ...told,
      started(...position) {
        startedMs = elapsedMs()
        told.started(...position)
      },
      receive(frame) {
        const end = tellFrame(frame, told, codec)
        if (end?.type === 'lost') add(end.error, frame)
        else if (frame.type === 'event' && frame.id) failures.progressed(identity)
        return end
      },
      failed(error) {
        add(error, error)
        told.failed(error)
      },
    }
  }

  return (op, told) => {
    const split = splitInput(op.input)
    // What is undefined has no JSON.
    const inputJson: string | undefined = JSON.stringify(input.serialize(split.input))
    // What the caller says at each call goes before what an input says that stays as it is.
    const from = (op.context.lastEventId as string | undefined) ?? split.lastEventId
    const last = failures.last(identityOf({ path: op.path, inputJson }))
    const call: WantedCall = {
      op,
      path: op.path,
      inputJson,
      lastEventId: from,
      hasFailed: last !== undefined,
    }
    const member: Member = {
      ...countFailures(call, told),
      goAlone(lastEventId) {
        stop = startAlone(shared, { ...call, lastEventId: lastEventId ?? from }, member)
      },
    }
    const begin = (): (() => void) =>
      isSingle ? startAlone(shared, call, member) : set.join(call, member)
    let stop = last?.waitMs ? beginLater(last, begin) : begin()
    told.stopWhenAborted(() => stop())
    return () => {
      stop()
      told.complete()
    }

    function beginLater({ error, waitMs }: LastFailure, begin: () => () => void): () => void {
      told.connecting(error)
      return settings.clock.after(waitMs, () => {
        stop = begin()
      })
    }
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
  const orWrong = status === 404 ? 'either url is wrong, or ' : ''
  const message =
    `The request for all subscriptions${at} was answered with ${status}: ${orWrong}the server doesn't know the multiplexed ` +
    'mode of sseLink. Each now asks for a connection of its own. If they work, serve them with @trpc-sse/server, or set ' +
    "mode: 'single'."
  if (onFallback) onFallback({ status, message })
  else console.warn(message)
}
