import { type Clock, RealtimeError, systemClock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from './backend/backend.ts'
import { memoryBackend } from './backend/memory.ts'
import type { ChannelDefinition } from './channel/definition.ts'
import { type ChannelHandle, createHandle } from './channel/handle.ts'
import { channelKey } from './channel/key.ts'
import { type Codec, createCodec } from './codec/codec.ts'
import type { Stored, Transformer } from './codec/transformer.ts'
import { PageCache } from './hub/page-cache.ts'
import { type ReadLimits, Reads } from './hub/reads.ts'
import { HubRegistry } from './hub/registry.ts'
import type { ErrorStage } from './hub/report.ts'
import type { WindowLimits } from './hub/window.ts'
import { acrossCopies } from './shared-state.ts'
import { detached, detachedClock } from './user-code/async-context.ts'
import { callHandler } from './user-code/calls.ts'
import { keepAlive } from './user-code/keep-alive.ts'

/** Any channel definition. */
export type AnyChannelDefinition = ChannelDefinition<unknown, unknown, unknown>

/** Where a background failure happened. */
export interface ErrorContext {
  readonly stage: ErrorStage
  /** The log's key: the channel's name and params as JSON. */
  readonly channel: string
}

/** Options of {@link createChannels}. */
export interface ChannelsOptions<
  TDefinitions extends Record<string, AnyChannelDefinition>,
  TTransformer extends Transformer | undefined = Transformer | undefined,
> {
  /** The channels, by name. */
  readonly channels: TDefinitions
  /**
   * Where the logs live. `close()` of the channels closes it.
   *
   * @default memoryBackend()
   */
  readonly backend?: Backend
  /**
   * The same transformer as of `initTRPC.create` and the client's links. Without one, events are stored as plain JSON:
   * a `Date` is read as a string, which the types say too, and what JSON would change in silence is refused.
   */
  readonly transformer?: TTransformer
  /**
   * Told of failures that no caller can be told of.
   *
   * @default console.error
   */
  readonly onError?: (error: unknown, context: ErrorContext) => void
  /**
   * How much of each open channel this process keeps at hand for those who are a little behind.
   *
   * @default { events: 1_024, characters: 4_194_304 }
   */
  readonly window?: Partial<WindowLimits>
  /**
   * How long a channel stays open in this process after its last subscription ended, in milliseconds.
   *
   * @default 5_000
   */
  readonly lingerMs?: number
  /**
   * How often, in milliseconds, an open channel's position is compared with its log's, in case notifications were lost
   * unnoticed. At least every 450,000, so that a log without events isn't forgotten while somebody reads it.
   *
   * @default 30_000
   */
  readonly positionCheckMs?: number
  /**
   * How many reads of logs this process has under way at a time, in all and of one log. Others wait for their turn, which
   * goes round between connections: a client with many subscriptions that are behind doesn't hold up the others.
   *
   * @default { perProcess: 32, perLog: 4 }
   */
  readonly reads?: Partial<ReadLimits>
  /**
   * How many channels (each with its params) this process reads at a time: those with a subscription, or which had one
   * in the last `lingerMs`. Subscriptions to more are refused with `TOO_MANY_CHANNELS`.
   *
   * @default 50_000
   */
  readonly maxOpenChannels?: number
  /** Time and chance. Defaults to the runtime's. */
  readonly clock?: Clock
}

/** Makes the handle of one channel; with params where the channel has some. */
export type ChannelFactory<
  TDefinition,
  TTransformer extends Transformer | undefined = Transformer,
> =
  TDefinition extends ChannelDefinition<infer TParams, infer TInput, infer TEvent>
    ? [TParams] extends [undefined]
      ? () => ChannelHandle<TInput, Stored<TEvent, TTransformer>>
      : (params: TParams) => ChannelHandle<TInput, Stored<TEvent, TTransformer>>
    : never

/** A factory of handles for each channel, and `close`. Without a transformer, say `undefined` for it. */
export type Channels<
  TDefinitions extends Record<string, AnyChannelDefinition>,
  TTransformer extends Transformer | undefined = Transformer,
> = {
  readonly [TName in keyof TDefinitions]: ChannelFactory<TDefinitions[TName], TTransformer>
} & ChannelsBase

/** What all channels objects have. */
export interface ChannelsBase {
  /**
   * Closes the channels and their backend. Subscriptions end as if the server went away, so that clients reconnect
   * elsewhere. Calling it twice is harmless.
   */
  close(): Promise<void>
}

/** What of channels a server link works with. */
export interface ChannelsInternals {
  readonly codec: Codec
  readonly backend: Backend
}

const internals = acrossCopies('channels', () => new WeakMap<object, ChannelsInternals>())

/** The insides of channels; `undefined` for any other value. */
export function internalsOf(channels: object): ChannelsInternals | undefined {
  return internals.get(channels)
}

/** What pages of logs may take in memory that readers who are behind share, in bytes. */
const pageCacheBytes = 8_388_608

const reservedNames = ['close', 'then']

/**
 * Creates typed channels over one backend. Call `channels.<name>(params)` for a handle to publish and subscribe with.
 *
 * @throws `INVALID_OPTION` for a name that can't be used.
 */
export function createChannels<
  const TDefinitions extends Record<string, AnyChannelDefinition>,
  TTransformer extends Transformer | undefined = undefined,
>(options: ChannelsOptions<TDefinitions, TTransformer>): Channels<TDefinitions, TTransformer> {
  const { backend = memoryBackend(), onError = logError } = options
  const clock = detachedClock(options.clock ?? systemClock)
  const { lingerMs = 5_000, positionCheckMs = 30_000 } = options
  const { maxOpenChannels = 50_000 } = options
  const limits = { perProcess: 32, perLog: 4, ...options.reads }
  checkWholeNumbers({
    'reads.perProcess': limits.perProcess,
    'reads.perLog': limits.perLog,
    maxOpenChannels,
  })
  const window = { events: 1_024, characters: 4_194_304, ...options.window }
  checkNumbers(
    { 'window.events': window.events, 'window.characters': window.characters, positionCheckMs },
    1,
  )
  checkNumbers({ lingerMs }, 0)
  const codec = createCodec(options.transformer)
  const report = (error: unknown, stage: ErrorStage, log: ChannelLog): void => {
    // It is called from where the channels' own work goes on: that must not end with it.
    callHandler('onError', () => detached(() => onError(error, { stage, channel: log.key })))
  }
  const reads = new Reads(limits)
  const hubs = new HubRegistry({
    backend,
    reads,
    pageCache: new PageCache(pageCacheBytes, clock),
    maxOpen: maxOpenChannels,
    codec,
    clock,
    report,
    window,
    lingerMs,
    positionCheckMs,
  })

  const factories = Object.entries(options.channels).map(([name, definition]) => {
    checkName(name)
    const factory = (params?: unknown): ChannelHandle<unknown, unknown> => {
      const log = { key: channelKey(name, definition.params, params), retain: definition.retain }
      return createHandle({ name, log, definition, backend, reads, hubs, codec, clock, report })
    }
    return [name, factory] as const
  })

  const closeAll = async (): Promise<void> => {
    await hubs.close()
    await backend.close()
  }
  const close = (): Promise<void> => keepAlive(closeAll())
  const channels = { ...Object.fromEntries(factories), close } as unknown as Channels<
    TDefinitions,
    TTransformer
  >
  internals.set(channels, { codec, backend })
  return channels
}

function checkName(name: string): void {
  if (
    name.length >= 1 &&
    name.length <= 128 &&
    !reservedNames.includes(name) &&
    !/^(~|__proto__$)/.test(name)
  )
    return
  const start = JSON.stringify(name.slice(0, 48))
  throw new RealtimeError(
    'INVALID_OPTION',
    `A channel can't be named ${start}. Use 1 to 128 characters, not "close" or "then", and no "~" in front.`,
  )
}

function checkNumbers(numbers: Readonly<Record<string, number>>, least: number): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value >= least) continue
    throw new RealtimeError(
      'INVALID_OPTION',
      `createChannels(): ${name} is ${value}. Give ${least} or more.`,
    )
  }
}

function checkWholeNumbers(numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    const message = `createChannels(): ${name} is ${value}. Give a whole number, 1 or more.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
}

function logError(error: unknown, { stage, channel }: ErrorContext): void {
  console.error(`trpc-sse: ${stage} failed for channel ${channel}`, error)
}
