import type { StandardSchemaV1 } from '@standard-schema/spec'
import { RealtimeError } from '@trpc-sse/protocol'
import type { Retention } from '../backend/backend.ts'
import { checkSchema, type SchemaInput, type SchemaOutput } from '../channel/definition.ts'
import { checkNumbers } from '../user-code/numbers.ts'

/** Combines the deltas of a run into one value. */
export interface RunFold<TValue, TEvent> {
  /** The value before the first delta. */
  readonly initial: TValue
  /** Returns the value after a delta. Must not change its arguments or be async. */
  readonly apply: (value: TValue, delta: TEvent) => TValue
}

/** Options of {@link run}. */
export interface RunOptions<
  TParams extends StandardSchemaV1 | undefined,
  TEvent extends StandardSchemaV1,
  TValue,
> {
  /** The schema of the params. Each value of the params is a separate run. */
  readonly params?: TParams
  /** The schema of the deltas, which the producer yields. */
  readonly event: TEvent
  /**
   * Combines deltas into one value. A follower that joins, or has missed deltas, gets the value
   * instead of the deltas. Without a fold, a follower gets all retained deltas.
   */
  readonly fold?: RunFold<TValue, StandardSchemaV1.InferOutput<TEvent>>
  /**
   * The time that deltas wait, so that one write stores many of them, in milliseconds, 0 to 10,000.
   * During a run, it grows to four times this value: readers notice delays most at the start.
   *
   * @default 40
   */
  readonly rollupMs?: number
  /**
   * The time after which a run whose producer is gone becomes `abandoned`, in milliseconds, 1,000
   * to 600,000.
   *
   * @default 10_000
   */
  readonly leaseMs?: number
  /**
   * What happens to a run whose producer is gone. `'end'`: it is `abandoned`. `'takeOver'`: another
   * call of `produce` continues it, either one that is already waiting, or one within `takeOverMs`.
   *
   * @default 'end'
   */
  readonly onAbandoned?: 'end' | 'takeOver'
  /**
   * The time that a run waits for another producer after the lease, in milliseconds, from 1,000 to
   * 600,000. Then it is `abandoned`. Only with `onAbandoned: 'takeOver'`.
   *
   * @default 30_000
   */
  readonly takeOverMs?: number
  /**
   * The time for which a run is remembered after its end, in milliseconds, from 1,000 to 30 days.
   *
   * @default 600_000
   */
  readonly keepForMs?: number
  /**
   * The number of retained deltas, 2 or more. With a fold, followers that are further behind get
   * the value.
   *
   * @default 10_000
   */
  readonly retainEvents?: number
  /**
   * The maximum size of one delta, in bytes of JSON in UTF-8.
   *
   * @default 262_144
   */
  readonly maxEventBytes?: number
  /**
   * The maximum bytes of deltas that may wait for the backend. Beyond that, the source pauses until
   * deltas are stored. If the backend doesn't answer in time, the run fails.
   *
   * @default 4_194_304
   */
  readonly maxBufferedBytes?: number
  /**
   * Returns the index of a run: the id of its chat, for example. `active(index)` then lists the runs
   * that are running. An index is a string of 1 to 256 characters.
   */
  readonly index?: (params: SchemaOutput<TParams>) => string
  /**
   * The maximum number of runs that an index lists, 1 to 1,000. Further runs aren't listed until
   * others end, and `onError` is called.
   *
   * @default 100
   */
  readonly maxActive?: number
}

/**
 * A run for `createChannels`: its validated options, and the types of its params, deltas and value.
 */
export interface RunDefinition<TParams, TInput, TEvent, TValue> {
  readonly kind: 'run'
  readonly params: StandardSchemaV1 | undefined
  readonly event: StandardSchemaV1
  readonly fold: RunFold<unknown, unknown> | undefined
  readonly rollupMs: number
  readonly leaseMs: number
  readonly onAbandoned: 'end' | 'takeOver'
  readonly takeOverMs: number
  readonly keepForMs: number
  readonly retain: Retention
  readonly maxEventBytes: number
  readonly maxBufferedBytes: number
  readonly index: ((params: unknown) => unknown) | undefined
  readonly maxActive: number
  /** Carries the types. Never set at run time. */
  readonly types?: {
    readonly params: TParams
    readonly input: TInput
    readonly event: TEvent
    readonly value: TValue
  }
}

/** Any run definition. */
export type AnyRunDefinition = RunDefinition<unknown, unknown, unknown, unknown>

/**
 * The time for which deltas are kept during a run, in milliseconds: a day, as in channels.
 */
const retainedMs = 86_400_000
const longestKeepMs = 30 * 86_400_000

/**
 * Defines a run: a stream that ends, such as an AI answer or a job. It has one producer and any
 * number of followers, whose subscriptions complete when the run ends.
 *
 * @throws `INVALID_OPTION` for an invalid number, fold or schema.
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
  // Without a fold, `createChannels` would otherwise infer `unknown`.
  NoInfer<TValue>
> {
  checkSchema('run()', 'event', options.event)
  if (options.params !== undefined) checkSchema('run()', 'params', options.params)
  const { fold, rollupMs = 40, leaseMs = 10_000, keepForMs = 600_000 } = options
  const { retainEvents = 10_000, maxEventBytes = 262_144 } = options
  const { maxBufferedBytes = 4_194_304, onAbandoned = 'end' } = options
  const { takeOverMs = 30_000 } = options
  const { index, maxActive = 100 } = options
  checkFold(fold)
  checkOnAbandoned(onAbandoned)
  checkIndex(index)
  checkRange({ rollupMs }, 0, 10_000)
  checkRange({ leaseMs }, 1_000, 600_000)
  checkRange({ takeOverMs }, 1_000, 600_000)
  checkRange({ keepForMs }, 1_000, longestKeepMs)
  checkRange({ maxActive }, 1, 1_000)
  // At least 2: one delta, and the end.
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
    onAbandoned,
    takeOverMs,
    keepForMs,
    retain: { events: retainEvents, forMs: Math.max(retainedMs, keepForMs) },
    maxEventBytes,
    maxBufferedBytes,
    index: index && ((params) => index(params as SchemaOutput<TParams>)),
    maxActive,
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

function checkOnAbandoned(value: unknown): void {
  if (value === 'end' || value === 'takeOver') return
  const message = `run(): onAbandoned is ${String(value)}. Give 'end' or 'takeOver'.`
  throw new RealtimeError('INVALID_OPTION', message)
}

function checkIndex(value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  const message = 'run(): index is no function. Give (params) => …'
  throw new RealtimeError('INVALID_OPTION', message)
}

function checkRange(option: Readonly<Record<string, number>>, least: number, most: number): void {
  for (const [name, value] of Object.entries(option)) {
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    const message = `run(): ${name} is ${value}. Give a whole number, ${least} to ${most}.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
}
