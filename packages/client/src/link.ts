import type { Operation, TRPCLink } from '@trpc/client'
import type { AnyTRPCRouter, TRPCDataTransformer } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import { loadPositions, streamSettings } from './options/defaults.ts'
import type { SseHeadersOptions, SseLinkBaseOptions, SseLinkOptions } from './options/options.ts'
import { acrossTabs } from './options/tab-sharing.ts'
import type { Codec, Member } from './set/member.ts'
import { noPositions } from './set/positions.ts'
import { SubscriptionSet } from './set/set.ts'
import type { SetOptions } from './set/set-options.ts'
import { identityOf, type WantedCall } from './set/wanted-call.ts'
import { FailureMemory } from './stream/failures.ts'
import { createFallbackMemory, type FallbackMemory } from './stream/fallback.ts'
import { backOffOf, checkRetry, type RetryOption } from './stream/retry-policy.ts'
import type { StreamSettings } from './stream/stream-options.ts'
import { bothWays, errorOfBody, errorOfKey, outputCodec } from './trpc/codec.ts'
import { Envelopes } from './trpc/envelopes.ts'
import { splitInput } from './trpc/input.ts'
import type { Endpoint } from './wire/request.ts'

/**
 * Creates the terminating link for subscriptions; queries and mutations go on to the next link.
 * When a stream is cut, its subscriptions resume by themselves after the last event that was
 * handled. All subscriptions share one connection. Throws `INVALID_OPTION`.
 *
 * ```ts
 * const url = '/trpc'
 * createTRPCClient<AppRouter>({ links: [sseLink({ url }), httpBatchLink({ url })] })
 * ```
 */
export function sseLink<TRouter extends AnyTRPCRouter>(
  options: SseLinkOptions<TRouter>,
): TRPCLink<TRouter> {
  const settings = streamSettings(options)
  const transformer = bothWays(options.transformer)
  const memory = createFallbackMemory(settings.clock, settings.fetch)
  return () => {
    const codec = outputCodec(transformer.output)
    const subscriber = new Subscriber(options, transformer.input, codec, settings, memory)
    return ({ op, next }) => {
      if (op.type !== 'subscription') return next(op)
      return observable((observer) => {
        const envelopes = new Envelopes(options, codec, op, observer)
        try {
          envelopes.connecting(undefined)
          return op.signal?.aborted ? envelopes.stopped() : subscriber.start(op, envelopes)
        } catch (error) {
          return envelopes.failed(error)
        }
      })
    }
  }
}

/** Starts the subscriptions of a link. */
class Subscriber {
  readonly #serializeInput: (input: unknown) => unknown
  readonly #failures: FailureMemory
  readonly #single: SetOptions
  readonly #set: SubscriptionSet
  /** Set while the code for persisted positions is loading. */
  #loading: Promise<void> | undefined
  #positions = noPositions
  /** Whether each subscription has its own stream. */
  #isSingle: boolean

  constructor(
    options: SseLinkBaseOptions,
    input: TRPCDataTransformer,
    codec: Codec,
    settings: StreamSettings,
    memory: FallbackMemory,
  ) {
    const { clock, receive, retry } = settings
    this.#serializeInput = (value) => input.serialize(value)
    this.#isSingle = options.mode === 'single' || !!receive
    this.#failures = new FailureMemory(clock, backOffOf(retry))
    this.#single = {
      ...settings,
      isSingle: true,
      lingerMs: options.lingerMs ?? 250,
      positions: {
        load: (identity) => this.#positions.load(identity),
        save: (identity, lastEventId) => this.#positions.save(identity, lastEventId),
      },
      failures: this.#failures,
      endpoint: (opList) => endpointOf(options, opList),
      readErrorBody: (body) => errorOfBody(body, codec),
      readOwnError: (refusal, key) => errorOfKey(refusal, key, codec),
      onUnknown: (status) => {
        this.#isSingle = true
        memory.remember(status)
        reportFallback(options, status)
      },
      onKnown: memory.forget,
    }
    const multiplexed = { ...this.#single, isSingle: false, fetch: memory.fetch }
    this.#set = new SubscriptionSet(acrossTabs(options.shareAcrossTabs, multiplexed, codec))
    this.#loading = loadPositions(options, settings)?.then((positions) => {
      this.#positions = positions
      this.#loading = undefined
    })
  }

  /** Starts a subscription that reports to the envelopes; returns a function that stops it. */
  start(op: Operation, envelopes: Envelopes): () => void {
    const { clock } = this.#single
    const call = this.#callOf(op)
    envelopes.single = (lastEventId = call.lastEventId) => {
      stop = this.#startSingle({ ...call, lastEventId }, envelopes)
    }
    const begin = (): void => {
      if (!isOver)
        stop = this.#isSingle ? this.#startSingle(call, envelopes) : this.#set.join(call, envelopes)
    }
    let isOver = false
    let stop = (): void => {}
    const last = this.#failures.last(identityOf(call))
    if (last?.waitMs) {
      envelopes.connecting(last.error)
      stop = clock.after(last.waitMs, begin)
    } else if (this.#loading) void this.#loading.then(begin)
    else begin()
    const end = (): void => {
      isOver = true
      stop()
    }
    envelopes.stopWhenAborted(end)
    return () => {
      end()
      envelopes.complete()
    }
  }

  #callOf(op: Operation): WantedCall {
    const { lastEventId, retry } = op.context
    const split = splitInput(op.input)
    // JSON.stringify(undefined) is undefined.
    const inputJson: string | undefined = JSON.stringify(this.#serializeInput(split.input))
    return {
      op,
      path: op.path,
      inputJson,
      // The id of this call takes precedence over that of the input, which may not have changed.
      lastEventId: (lastEventId as string | undefined) ?? split.lastEventId,
      hasFailed: this.#failures.last(identityOf({ path: op.path, inputJson })) !== undefined,
      retry: retry === undefined ? undefined : checkRetry(retry as RetryOption),
    }
  }

  /** Starts a subscription on its own stream, which is retried as the call says. */
  #startSingle(call: WantedCall, member: Member): () => void {
    const { retry = this.#single.retry } = call
    return new SubscriptionSet({ ...this.#single, retry }).join(
      { ...call, retry: undefined },
      member,
    )
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

function reportFallback({ onFallback, url }: SseLinkBaseOptions, status: number): void {
  const at = typeof url === 'function' ? '' : ` at ${url}`
  const message = `The server${at} answered ${status}: it doesn't know multiplexed mode, or url is wrong. Each subscription now has its own connection. Use @trpc-sse/server, or mode: 'single'.`
  if (onFallback) onFallback({ status, message })
  else console.warn(message)
}
