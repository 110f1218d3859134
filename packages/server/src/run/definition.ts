import type { StandardSchemaV1 } from '@standard-schema/spec'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Retention } from '../backend/backend.ts'
import { checkSchema, type SchemaInput } from '../channel/definition.ts'
import { checkNumbers } from '../user-code/numbers.ts'

/** What the deltas of a run amount to. */
export interface RunFold<TValue, TEvent> {
  /** The value before the first delta. */
  readonly initial: TValue
  /** Returns the value after a delta. It must not change its arguments, nor be async. */
  readonly apply: (value: TValue, delta: TEvent) => TValue
}

/** Options of {@link run}. */
export interface RunOptions<
  TParams extends StandardSchemaV1 | undefined,
  TEvent extends StandardSchemaV1,
  TValue,
> {
  /** The schema of the params. Each value of the params is a run of its own. */
  readonly params?: TParams
  /** The schema of the deltas: what the producer yields. */
  readonly event: TEvent
  /**
   * What many deltas amount to. A follower that joins, or has missed deltas, gets one value in their
   * place. Without it, a follower gets all deltas that are retained.
   */
  readonly fold?: RunFold<TValue, StandardSchemaV1.InferOutput<TEvent>>
  /**
   * How long deltas wait so that many are stored in one step, in milliseconds, 0 to 10,000. While a
   * run goes on, the time grows up to four times as long: readers wait most for the first words.
   *
   * @default 40
   */
  readonly rollupMs?: number
  /**
   * When a run whose producer is gone becomes `abandoned`, in milliseconds, 1,000 to 600,000.
   *
   * @default 10_000
   */
  readonly leaseMs?: number
  /**
   * How long a run is remembered after its end, in milliseconds, 1,000 to 30 days.
   *
   * @default 600_000
   */
  readonly keepForMs?: number
  /**
   * How many deltas are retained, 2 or more. With a fold, followers that are further behind get its value.
   *
   * @default 10_000
   */
  readonly retainEvents?: number
  /**
   * The most bytes that one delta may have, as JSON in UTF-8.
   *
   * @default 262_144
   */
  readonly maxEventBytes?: number
  /**
   * How many bytes of deltas may wait for the backend. Beyond that, the source is read on only when
   * they are stored. If the backend doesn't answer in its time, the run fails.
   *
   * @default 4_194_304
   */
  readonly maxBufferedBytes?: number
}

/** A run for `createChannels`: checked options, and the types of its params, deltas and value. */
export interface RunDefinition<TParams, TInput, TEvent, TValue> {
  readonly kind: 'run'
  readonly params: StandardSchemaV1 | undefined
  readonly event: StandardSchemaV1
  readonly fold: RunFold<unknown, unknown> | undefined
  readonly rollupMs: number
  readonly leaseMs: number
  readonly keepForMs: number
  readonly retain: Retention
  readonly maxEventBytes: number
  readonly maxBufferedBytes: number
  /** Carries types; never set at run time. */
  readonly types?: {
    readonly params: TParams
    readonly input: TInput
    readonly event: TEvent
    readonly value: TValue
  }
}

/** Any run definition. */
export type AnyRunDefinition = RunDefinition<unknown, unknown, unknown, unknown>

/** How long deltas are kept while a run goes on, in milliseconds: a day, as events of channels. */
const retainedMs = 86_400_000
const longestKeepMs = 30 * 86_400_000

/**
 * Defines a run: a stream that ends, such as an AI answer or a job. It has one producer, and any
 * number of followers, whose subscriptions complete when it ends.
 *
 * @throws `INVALID_OPTION` for a number or a schema that can't be used.
 */
export function run<
  TEvent extends StandardSchemaV1,
  TParams extends StandardSchemaV1 | undefined = undefined,
  TValue = never,
>(
  options: RunOptions<TParams, TEvent, TValue>,
): RunDefinition<
  SchemaInput<TParams>,
  StandardSchemaV1.InferInput<TEvent>,
  StandardSchemaV1.InferOutput<TEvent>,
  // Without a fold, `createChannels` would infer `unknown` from what it takes.
  NoInfer<TValue>
> {
  checkSchema('run()', 'event', options.event)
  if (options.params !== undefined) checkSchema('run()', 'params', options.params)
  const { fold, rollupMs = 40, leaseMs = 10_000, keepForMs = 600_000 } = options
  const { retainEvents = 10_000, maxEventBytes = 262_144 } = options
  const { maxBufferedBytes = 4_194_304 } = options
  checkFold(fold)
  checkRange({ rollupMs }, 0, 10_000)
  checkRange({ leaseMs }, 1_000, 600_000)
  checkRange({ keepForMs }, 1_000, longestKeepMs)
  // Of two events, one is the end.
  checkNumbers('run()', { retainEvents }, { least: 2, isWhole: true })
  checkNumbers('run()', { maxEventBytes, maxBufferedBytes }, { least: 1, isWhole: true })
  return {
    kind: 'run',
    params: options.params,
    event: options.event,
    fold: fold && {
      initial: fold.initial,
      apply: (value, delta) => fold.apply(value as TValue, delta as never),
    },
    rollupMs,
    leaseMs,
    keepForMs,
    retain: { events: retainEvents, forMs: Math.max(retainedMs, keepForMs) },
    maxEventBytes,
    maxBufferedBytes,
  }
}

function checkFold(fold: unknown): void {
  if (fold === undefined) return
  if (typeof fold === 'object' && fold !== null && 'initial' in fold && 'apply' in fold)
    if (fold.initial !== undefined && typeof fold.apply === 'function') return
  const message =
    'run(): fold needs `initial` and the function `apply`. Give { initial, apply: (value, delta) => … }.'
  throw new RealtimeError('INVALID_OPTION', message)
}

function checkRange(option: Readonly<Record<string, number>>, least: number, most: number): void {
  for (const [name, value] of Object.entries(option)) {
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    const message = `run(): ${name} is ${value}. Give a whole number, ${least} to ${most}.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
}
