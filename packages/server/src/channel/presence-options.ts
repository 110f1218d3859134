import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkNumbers } from '../user-code/numbers.ts'

/** Options for the presence of a channel. */
export interface PresenceOptions<TMember extends StandardSchemaV1> {
  /**
   * The schema for the values of members.
   *
   * @default any JSON
   */
  readonly member?: TMember
  /**
   * The maximum number of members, for each value of the params. One more is refused with
   * `TOO_MANY_ENTRIES`.
   *
   * @default 10_000
   */
  readonly max?: number
  /**
   * The time for which a member stays after its last subscription, in milliseconds, 0 or more. A
   * client that reconnects within this time doesn't leave.
   *
   * @default 5_000
   */
  readonly graceMs?: number
  /**
   * The maximum size of a member's value, in bytes, as JSON in UTF-8.
   *
   * @default 4_096
   */
  readonly maxValueBytes?: number
}

/** Validated {@link PresenceOptions}. */
export interface PresenceSettings {
  readonly member: StandardSchemaV1
  readonly maxEntries: number
  readonly graceMs: number
  readonly maxValueBytes: number
}

/** Adds the defaults. Throws `INVALID_OPTION` for an invalid number. */
export function presenceSettings({
  member = anyValue,
  max = 10_000,
  graceMs = 5_000,
  maxValueBytes = 4_096,
}: PresenceOptions<StandardSchemaV1> = {}): PresenceSettings {
  const numbers = { 'presence.max': max, 'presence.maxValueBytes': maxValueBytes }
  checkNumbers('channel()', numbers, { least: 1, isWhole: true })
  checkNumbers('channel()', { 'presence.graceMs': graceMs }, { least: 0, isWhole: true })
  return { member, maxEntries: max, graceMs, maxValueBytes }
}

const anyValue: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'trpc-sse', validate: (value) => ({ value }) },
}
