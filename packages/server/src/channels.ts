import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from './backend/backend.ts'
import { toEntriesBackend } from './backend/entries-backend.ts'
import { traceBackend } from './backend/traced-backend.ts'
import type { ChannelDefinition } from './channel/definition.ts'
import type { ChannelHandle } from './channel/handle.ts'
import { type AnyDefinition, type ChannelsOptions, settingsOf } from './channels-options.ts'
import { type Codec, createCodec } from './codec/codec.ts'
import type { Stored, Transformer } from './codec/transformer.ts'
import { factoryMaker } from './factories.ts'
import { PageCache } from './hub/page-cache.ts'
import { Reads } from './hub/reads.ts'
import { HubRegistry } from './hub/registry.ts'
import type { ErrorStage } from './hub/report.ts'
import { Instances } from './presence/instances.ts'
import { Rooms } from './presence/rooms.ts'
import type { ActiveRuns } from './run/active.ts'
import type { RunDefinition } from './run/definition.ts'
import type { RunHandle } from './run/handle.ts'
import { acrossCopies } from './shared-state.ts'
import type { StateChannelDefinition } from './state/definition.ts'
import type { StateHandle } from './state/handle.ts'
import { detached, detachedClock } from './user-code/async-context.ts'
import { callHandler } from './user-code/calls.ts'
import { keepAlive } from './user-code/keep-alive.ts'
import { Tracer } from './user-code/tracer.ts'

/**
 * A function that creates the handle of a channel, run or state channel. It takes the params, if there
 * are any.
 */
export type ChannelFactory<
  TDefinition,
  TTransformer extends Transformer | undefined = Transformer,
> =
  TDefinition extends RunDefinition<infer TParams, infer TInput, infer TEvent, infer TValue>
    ? Factory<
        TParams,
        RunHandle<TInput, Stored<TEvent, TTransformer>, StoredValue<TValue, TTransformer>>
      > &
        RunIndex<TParams>
    : TDefinition extends StateChannelDefinition<infer TParams, infer TInput, infer TValue>
      ? Factory<TParams, StateHandle<TInput, Stored<TValue, TTransformer>>>
      : TDefinition extends ChannelDefinition<
            infer TParams,
            infer TInput,
            infer TEvent,
            infer TMemberInput,
            infer TMember
          >
        ? Factory<
            TParams,
            ChannelHandle<
              TInput,
              Stored<TEvent, TTransformer>,
              TMemberInput,
              Stored<TMember, TTransformer>
            >
          >
        : never

/** The part of a run's factory that finds runs. */
export interface RunIndex<TParams> {
  /**
   * Returns the active runs of an index: a text that the `index` of the run returns.
   *
   * @throws `INVALID_OPTION` for a run without an `index`. BAD_REQUEST for a text that can't be one,
   *   because it often comes from input.
   */
  active(index: string): ActiveRuns<TParams>
}

type Factory<TParams, THandle> = [TParams] extends [undefined]
  ? () => THandle
  : (params: TParams) => THandle

/** Keeps `never`, which is the value type of a run without a fold. */
type StoredValue<TValue, TTransformer extends Transformer | undefined> = [TValue] extends [never]
  ? never
  : Stored<TValue, TTransformer>

/**
 * The result of {@link createChannels}: a handle factory for each channel, and `close`.
 * `TTransformer` is `undefined` for channels without a transformer.
 */
export type Channels<
  TDefinitions extends Record<string, AnyDefinition>,
  TTransformer extends Transformer | undefined = Transformer,
> = {
  readonly [TName in keyof TDefinitions]: ChannelFactory<TDefinitions[TName], TTransformer>
} & ChannelsBase

/** The members of {@link Channels} that don't depend on its definitions. */
export interface ChannelsBase {
  /**
   * Closes the channels and their backend. Subscriptions end as if the server had stopped, so
   * clients reconnect to another one. Runs that this process produces are abandoned. Further calls
   * have no effect. Rejects if the backend fails to close.
   */
  close(): Promise<void>
}

/** The parts of channels that a server link needs. */
export interface ChannelsInternals {
  readonly codec: Codec
  readonly backend: Backend
  readonly hubs: HubRegistry
  readonly clock: Clock
  readonly tracer: Tracer
  /** The definitions by name. */
  readonly definitions: Readonly<Record<string, AnyDefinition>>
  /** The rooms in which this process holds or reads members. */
  readonly rooms: Rooms
  /** Returns the number of runs that this process produces. */
  producing(): number
  /** Creates the handle of a channel. The name must be one of the definitions. */
  handle(name: string, params: unknown): unknown
  /** Returns the leases of instances. Throws `INVALID_OPTION` for a backend without entries. */
  instances(): Instances
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

const internals = acrossCopies('channels', () => new WeakMap<object, ChannelsInternals>())

/** Returns the internals of channels; `undefined` for any other value. */
export function internalsOf(channels: object): ChannelsInternals | undefined {
  return internals.get(channels)
}

/** The maximum memory for cached pages of logs in this process, in bytes. */
const pageCacheBytes = 8_388_608

/**
 * Creates typed channels over one backend. Call `channels.<name>(params)` for a handle to publish
 * and subscribe with.
 *
 * @throws `INVALID_OPTION` for an invalid name or number.
 */
export function createChannels<
  const TDefinitions extends Record<string, AnyDefinition>,
  TTransformer extends Transformer | undefined = undefined,
>(options: ChannelsOptions<TDefinitions, TTransformer>): Channels<TDefinitions, TTransformer> {
  const { onError, maxOpenChannels, ...settings } = settingsOf(options)
  const clock = detachedClock(settings.clock)
  const tracer = new Tracer(options.trace, clock)
  const backend = traceBackend(settings.backend, tracer, clock)
  const codec = createCodec(options.transformer)
  const report = (error: unknown, stage: ErrorStage, log: ChannelLog): void => {
    // Internal work reports its errors here. It must continue even if the app's handler throws.
    callHandler('onError', () => detached(() => onError(error, { stage, channel: log.key })))
  }
  const reads = new Reads(settings.reads)
  const pageCache = new PageCache(pageCacheBytes, clock)
  const parts = { ...settings, backend, codec, clock, report, reads, tracer }
  const producers = new Set<() => Promise<void>>()
  const hubs = new HubRegistry({ ...parts, pageCache, maxOpen: maxOpenChannels })
  let leases: Instances | undefined
  const instances = (): Instances => {
    leases ??= new Instances({ backend: toEntriesBackend(backend), clock })
    return leases
  }
  const rooms = new Rooms({ ...parts, hubs, instances })
  const createFactory = factoryMaker({ ...parts, hubs, producers, rooms })
  const { channels: definitions } = options
  const factories = new Map(
    Object.entries(definitions).map(([name, definition]) => [
      name,
      createFactory(name, definition),
    ]),
  )
  const closeAll = async (): Promise<void> => {
    const abandoned = [...producers].map((abandon) => abandon())
    rooms.close()
    await Promise.all([hubs.close(), leases?.close(rooms.longestGraceMs), ...abandoned])
    await backend.close()
  }
  const close = (): Promise<void> => keepAlive(closeAll())
  const channels = { ...Object.fromEntries(factories), close } as Channels<
    TDefinitions,
    TTransformer
  >
  const shared = { codec, backend, hubs, clock, tracer, definitions, rooms, instances, report }
  internals.set(channels, {
    ...shared,
    producing: () => producers.size,
    handle: (name, params) => factories.get(name)?.(params),
  })
  return channels
}
