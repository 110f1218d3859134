import type { StandardSchemaV1 } from '@standard-schema/spec'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Retention } from '../backend/backend.ts'
import type { Behind, BehindPolicy } from '../hub/behind.ts'
import type { EventFold } from '../subscription/fold-feed.ts'
import { checkNumbers } from '../user-code/numbers.ts'
import {
  type PresenceOptions,
  type PresenceSettings,
  presenceSettings,
} from './presence-options.ts'

/** Options of {@link channel}. */
export interface ChannelOptions<
  TParams extends StandardSchemaV1 | undefined,
  TEvent extends StandardSchemaV1,
  TMember extends StandardSchemaV1 = StandardSchemaV1,
> {
  /**
   * The schema of the params: any Standard Schema that is sync and whose output is JSON. Each value
   * of the params has its own log. A channel without params has one log.
   */
  readonly params?: TParams
  /**
   * The schema of the events: any Standard Schema. It validates and transforms each event on
   * publish.
   */
  readonly event: TEvent
  /**
   * The retention of each log: the newest `events`, and none older than `forMs` milliseconds. A
   * subscription that asks for dropped events with `replay` gets a gap.
   *
   * @default { events: 1_000, forMs: 86_400_000 }
   */
  readonly retain?: Partial<Retention>
  /**
   * What happens to a subscription that is more than `behindEvents` behind, because its client
   * reads too slowly or was away:
   *
   * - `'catchUp'`: it gets all retained events, however long that takes.
   * - `'latest'`: it continues at the newest event, after one gap with the reason `skipped`.
   * - `'disconnect'`: its connection is closed, and it catches up when it reconnects.
   * - `'fold'`: it gets one event in place of many, which `fold` makes of them.
   *
   * @default 'catchUp'
   */
  readonly whenBehind?: BehindPolicy
  /**
   * Merges two events, the earlier one first, into one that stands for both. For
   * `whenBehind: 'fold'`: a subscription that is behind gets one event in place of up to 1,000, or
   * `maxEventBytes` of them. It must not change its arguments, nor be async. If it throws, the
   * subscription ends with an error.
   */
  readonly fold?: (
    earlier: StandardSchemaV1.InferOutput<TEvent>,
    later: StandardSchemaV1.InferOutput<TEvent>,
  ) => StandardSchemaV1.InferOutput<TEvent>
  /**
   * The number of events that a subscription may be behind before `whenBehind` applies. Lag is
   * measured only within the in-memory window (`window` of `createChannels`), so its size is the
   * upper limit.
   *
   * @default 1_000
   */
  readonly behindEvents?: number
  /**
   * The maximum size of one event, in bytes of JSON in UTF-8.
   *
   * @default 262_144
   */
  readonly maxEventBytes?: number
  /**
   * The maximum total size of the events of one `publishMany`, in bytes of JSON in UTF-8.
   *
   * @default 67_108_864
   */
  readonly maxBatchBytes?: number
  /**
   * The time for which an idempotency key is remembered, in milliseconds.
   *
   * @default 300_000
   */
  readonly idempotencyMs?: number
  /** Options of the channel's `presence`. */
  readonly presence?: PresenceOptions<TMember>
}

/**
 * A channel for `createChannels`: its validated options, and the types of its params and events.
 */
export interface ChannelDefinition<
  TParams,
  TInput,
  TEvent,
  TMemberInput = unknown,
  TMember = unknown,
> {
  readonly params: StandardSchemaV1 | undefined
  readonly event: StandardSchemaV1
  readonly retain: Retention
  readonly behind: Behind
  readonly fold: EventFold | undefined
  readonly maxEventBytes: number
  readonly maxBatchBytes: number
  readonly idempotencyMs: number
  readonly presence: PresenceSettings
  /** Carries the types. Never set at run time. */
  readonly types?: {
    readonly params: TParams
    readonly input: TInput
    readonly event: TEvent
    readonly memberInput: TMemberInput
    readonly member: TMember
  }
}

/** The input type of a schema; `undefined` without a schema. */
export type SchemaInput<TSchema> = TSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<TSchema>
  : undefined

/** The params that a schema returns; `undefined` without a schema. */
export type SchemaOutput<TSchema> = TSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<TSchema>
  : undefined

/**
 * Defines a channel: a typed, ordered log of events, or one log for each value of its params.
 *
 * @throws `INVALID_OPTION` for an invalid number, policy or schema.
 */
export function channel<
  TEvent extends StandardSchemaV1,
  TParams extends StandardSchemaV1 | undefined = undefined,
  TMember extends StandardSchemaV1 = StandardSchemaV1,
>(
  options: ChannelOptions<TParams, TEvent, TMember>,
): ChannelDefinition<
  SchemaInput<TParams>,
  StandardSchemaV1.InferInput<TEvent>,
  StandardSchemaV1.InferOutput<TEvent>,
  StandardSchemaV1.InferInput<TMember>,
  StandardSchemaV1.InferOutput<TMember>
> {
  checkSchema('channel()', 'event', options.event)
  if (options.params !== undefined) checkSchema('channel()', 'params', options.params)
  const { events = 1_000, forMs = 86_400_000 } = options.retain ?? {}
  const { maxEventBytes = 262_144, maxBatchBytes = 67_108_864, idempotencyMs = 300_000 } = options
  const { whenBehind = 'catchUp', behindEvents = 1_000 } = options
  if (options.presence?.member !== undefined)
    checkSchema('channel()', 'presence.member', options.presence.member)
  checkPolicy(whenBehind)
  checkFold(options.fold, whenBehind)
  checkNumbers(
    'channel()',
    { events, forMs, behindEvents, maxEventBytes, maxBatchBytes, idempotencyMs },
    { least: 1, isWhole: true },
  )
  return {
    params: options.params,
    event: options.event,
    retain: { events, forMs },
    behind: { policy: whenBehind, events: behindEvents },
    fold: options.fold && ((earlier, later) => options.fold?.(earlier as never, later as never)),
    maxEventBytes,
    maxBatchBytes,
    idempotencyMs,
    presence: presenceSettings(options.presence),
  }
}

function checkPolicy(policy: string): void {
  if (policy === 'catchUp' || policy === 'latest' || policy === 'disconnect' || policy === 'fold')
    return
  throw new RealtimeError(
    'INVALID_OPTION',
    `channel(): whenBehind is ${JSON.stringify(policy)}. Give 'catchUp', 'latest', 'disconnect' or 'fold'.`,
  )
}

function checkFold(fold: unknown, policy: BehindPolicy): void {
  if (policy === 'fold' ? typeof fold === 'function' : fold === undefined) return
  const message =
    policy === 'fold'
      ? "channel(): whenBehind: 'fold' needs fold: (earlier, later) => one event for both."
      : "channel(): fold needs whenBehind: 'fold'."
  throw new RealtimeError('INVALID_OPTION', message)
}

/**
 * Throws `INVALID_OPTION` if `schema` isn't a schema. `place` is the name of the called function.
 */
export function checkSchema(
  place: string,
  name: 'event' | 'params' | 'value' | 'presence.member',
  schema: unknown,
): void {
  if (
    (typeof schema === 'object' || typeof schema === 'function') &&
    schema !== null &&
    '~standard' in schema
  )
    return
  throw new RealtimeError(
    'INVALID_OPTION',
    `${place}: ${name} is not a Standard Schema. Give a schema of Zod, Valibot or ArkType: z.object({ … }), for example.`,
  )
}
