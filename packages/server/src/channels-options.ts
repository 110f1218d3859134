import { type Clock, RealtimeError, systemClock, type Trace } from '@trpc-sse/protocol'
import type { Backend } from './backend/backend.ts'
import { memoryBackend } from './backend/memory.ts'
import type { ChannelDefinition } from './channel/definition.ts'
import type { Transformer } from './codec/transformer.ts'
import type { ReadLimits } from './hub/reads.ts'
import type { ErrorStage } from './hub/report.ts'
import type { WindowLimits } from './hub/window.ts'
import type { AnyRunDefinition } from './run/definition.ts'
import type { AnyStateChannelDefinition } from './state/definition.ts'
import { checkNumbers } from './user-code/numbers.ts'

/** Any channel definition. */
export type AnyChannelDefinition = ChannelDefinition<unknown, unknown, unknown>

/** Any definition of a channel, a run or a state channel. */
export type AnyDefinition = AnyChannelDefinition | AnyRunDefinition | AnyStateChannelDefinition

/** Where a background failure happened. */
export interface ErrorContext {
  /** The operation that failed. */
  readonly stage: ErrorStage
  /** The log's key: the channel's name and params as JSON. */
  readonly channel: string
}

/** Options of {@link createChannels}. */
export interface ChannelsOptions<
  TDefinitions extends Record<string, AnyDefinition>,
  TTransformer extends Transformer | undefined = Transformer | undefined,
> {
  /**
   * The channels, runs and state channels by name. A name has 1 to 128 characters. It must not be
   * `close`, `then` or `__proto__`, or start with `~`.
   */
  readonly channels: TDefinitions
  /**
   * The backend that stores the logs. `close()` of the channels closes it.
   *
   * @default memoryBackend()
   */
  readonly backend?: Backend
  /**
   * The transformer that you also pass to `initTRPC.create` and the client's links. Without one,
   * events are stored as plain JSON. A `Date` is then read as a string, which the types show, and
   * values that JSON would lose are refused with `INVALID_EVENT`.
   */
  readonly transformer?: TTransformer
  /**
   * Called with errors that can't be thrown to a caller: a log that can't be read, an event that
   * can't be decoded, or a gap in a subscription without a client link. Errors that this handler
   * throws go to the console.
   *
   * @default console.error
   */
  readonly onError?: (error: unknown, context: ErrorContext) => void
  /**
   * Limits on the newest events that this process keeps in memory for each open channel.
   * Subscriptions that are slightly behind read them there; others read the log.
   *
   * @default { events: 1_024, characters: 4_194_304 }
   */
  readonly window?: Partial<WindowLimits>
  /**
   * The time for which a channel stays open in this process after its last subscription ended, in
   * milliseconds. 0 or more.
   *
   * @default 5_000
   */
  readonly lingerMs?: number
  /**
   * The interval of position checks, in milliseconds, varied at random by up to half. A check
   * compares an open channel with its log, because notifications can get lost without an error. The
   * maximum is 450,000: backends forget an empty log that isn't used for minutes.
   *
   * @default 30_000
   */
  readonly positionCheckMs?: number
  /**
   * The maximum number of concurrent log reads in this process, in total and for each log. Other
   * reads wait. Connections take turns, so that a client with many subscriptions doesn't delay
   * others.
   *
   * @default { perProcess: 32, perLog: 4 }
   */
  readonly reads?: Partial<ReadLimits>
  /**
   * The maximum number of open channels in this process; each value of the params counts. A channel
   * is open while it has a subscription, and for `lingerMs` after that. Subscriptions to more
   * channels are refused with `TOO_MANY_CHANNELS`.
   *
   * @default 50_000
   */
  readonly maxOpenChannels?: number
  /**
   * Called at each step of an event: `stored`, `heard`, `windowed`, and so on. Links that serve the
   * channels call it too. Without it, the same steps are on the channel `trpc-sse:trace` of
   * `node:diagnostics_channel`.
   *
   * @default none
   */
  readonly trace?: Trace
  /**
   * Provides time, timers and random numbers. Replace it in tests.
   *
   * @default systemClock
   */
  readonly clock?: Clock
}

type ChannelsSettings = Required<
  Pick<
    ChannelsOptions<Record<string, AnyDefinition>>,
    'backend' | 'onError' | 'lingerMs' | 'positionCheckMs' | 'maxOpenChannels' | 'clock'
  >
> & { readonly window: WindowLimits; readonly reads: ReadLimits }

/** Fills in the defaults. Throws `INVALID_OPTION` for an invalid number. */
export function settingsOf(
  options: ChannelsOptions<Record<string, AnyDefinition>>,
): ChannelsSettings {
  const settings: ChannelsSettings = {
    backend: options.backend ?? memoryBackend(),
    onError: options.onError ?? logError,
    window: { events: 1_024, characters: 4_194_304, ...options.window },
    lingerMs: options.lingerMs ?? 5_000,
    positionCheckMs: options.positionCheckMs ?? 30_000,
    reads: { perProcess: 32, perLog: 4, ...options.reads },
    maxOpenChannels: options.maxOpenChannels ?? 50_000,
    clock: options.clock ?? systemClock,
  }
  const { window, reads, lingerMs, positionCheckMs, maxOpenChannels } = settings
  const place = 'createChannels()'
  checkNumbers(
    place,
    { 'reads.perProcess': reads.perProcess, 'reads.perLog': reads.perLog, maxOpenChannels },
    { least: 1, isWhole: true },
  )
  checkNumbers(
    place,
    { 'window.events': window.events, 'window.characters': window.characters, positionCheckMs },
    { least: 1, isWhole: false },
  )
  checkNumbers(place, { lingerMs }, { least: 0, isWhole: false })
  return settings
}

/** Throws `INVALID_OPTION` for an invalid channel name. */
export function checkChannelName(name: string): void {
  const isReserved = name === 'close' || name === 'then' || name === '__proto__'
  if (name.length >= 1 && name.length <= 128 && !isReserved && !name.startsWith('~')) return
  const start = JSON.stringify(name.slice(0, 48))
  throw new RealtimeError(
    'INVALID_OPTION',
    `A channel can't be named ${start}. Use 1 to 128 characters, not "close", "then" or "__proto__", and no "~" at the start.`,
  )
}

function logError(error: unknown, { stage, channel }: ErrorContext): void {
  console.error(`trpc-sse: ${stage} failed for channel ${channel}`, error)
}
