import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Retention } from '../backend/backend.ts'
import { checkSchema, type SchemaInput } from '../channel/definition.ts'
import { checkNumbers } from '../user-code/numbers.ts'
import { checkForMs } from './checks.ts'

/** Options of {@link stateChannel}. */
export interface StateChannelOptions<
  TParams extends StandardSchemaV1 | undefined,
  TValue extends StandardSchemaV1,
> {
  /** The schema of the params. Each value of the params has a map of its own. */
  readonly params?: TParams
  /** The schema of the values. It validates and transforms each value that is set. */
  readonly value: TValue
  /**
   * The maximum number of entries in each map. One more is refused with `TOO_MANY_ENTRIES`.
   *
   * @default { max: 10_000 }
   */
  readonly entries?: { readonly max?: number }
  /**
   * The lifetime of an entry after it was set, in milliseconds, 1,000 to 30 days. A call of `set`
   * can override it.
   *
   * @default never
   */
  readonly forMs?: number
  /**
   * Whether a slow subscription gets only the newest change of each key. If it is further behind
   * than the events in memory (`window` of `createChannels`), it gets another snapshot.
   *
   * @default false
   */
  readonly conflate?: boolean
  /**
   * How many changes are kept, and for how many milliseconds. A client that resumes within this
   * retention gets the changes. Otherwise, it gets another snapshot.
   *
   * @default { events: 2_000, forMs: 600_000 }
   */
  readonly retain?: Partial<Retention>
  /**
   * The maximum size of one value, in bytes, as JSON in UTF-8.
   *
   * @default 4_096
   */
  readonly maxValueBytes?: number
}

/**
 * A state channel for `createChannels`: validated options, and the types of its params and values.
 */
export interface StateChannelDefinition<TParams, TInput, TValue> {
  readonly kind: 'state'
  readonly params: StandardSchemaV1 | undefined
  readonly value: StandardSchemaV1
  readonly maxEntries: number
  readonly forMs: number | undefined
  readonly conflate: boolean
  readonly retain: Retention
  readonly maxValueBytes: number
  /** Carries the types. Never set at run time. */
  readonly types?: { readonly params: TParams; readonly input: TInput; readonly value: TValue }
}

/** Any definition of a state channel. */
export type AnyStateChannelDefinition = StateChannelDefinition<unknown, unknown, unknown>

/**
 * Defines a state channel: a map of keys to values that many processes change, and the log of its
 * changes. Its subscribers get a snapshot, and then each change.
 *
 * @throws `INVALID_OPTION` for an invalid number or schema.
 */
export function stateChannel<
  TValue extends StandardSchemaV1,
  TParams extends StandardSchemaV1 | undefined = undefined,
>(
  options: StateChannelOptions<TParams, TValue>,
): StateChannelDefinition<
  SchemaInput<TParams>,
  StandardSchemaV1.InferInput<TValue>,
  StandardSchemaV1.InferOutput<TValue>
> {
  const { forMs, conflate = false, maxValueBytes = 4_096 } = options
  const { max = 10_000 } = options.entries ?? {}
  const retain = { events: 2_000, forMs: 600_000, ...options.retain }
  checkSchema('stateChannel()', 'value', options.value)
  if (options.params !== undefined) checkSchema('stateChannel()', 'params', options.params)
  if (forMs !== undefined) checkForMs('stateChannel()', forMs)
  checkNumbers(
    'stateChannel()',
    {
      'entries.max': max,
      maxValueBytes,
      'retain.events': retain.events,
      'retain.forMs': retain.forMs,
    },
    { least: 1, isWhole: true },
  )
  return {
    kind: 'state',
    params: options.params,
    value: options.value,
    maxEntries: max,
    forMs,
    conflate,
    retain,
    maxValueBytes,
  }
}
