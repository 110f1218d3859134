import type { StandardSchemaV1 } from '@standard-schema/spec'
import { checkNumbers } from '../user-code/numbers.ts'

/** Options of the presence of a channel. */
export interface PresenceOptions<TMember extends StandardSchemaV1> {
  /**
   * The schema of the values of members: what the others see of them.
   *
   * @default any JSON
   */
  readonly member?: TMember
  /**
   * How many members each channel with its params may have. One more is refused with
   * `TOO_MANY_ENTRIES`.
   *
   * @default 10_000
   */
  readonly max?: number
  /**
   * How long a member stays after the last subscription that held it, in milliseconds, 0 or more. A
   * client that reconnects within that time has not left.
   *
   * @default 5_000
   */
  readonly graceMs?: number
  /**
   * The most bytes that the value of a member may have, as JSON in UTF-8.
   *
   * @default 4_096
   */
  readonly maxValueBytes?: number
}

/** Checked {@link PresenceOptions}. */
export interface PresenceSettings {
  readonly member: StandardSchemaV1
  readonly maxEntries: number
  readonly graceMs: number
  readonly maxValueBytes: number
}

/** Adds the defaults. Throws `INVALID_OPTION` for a number that can't be used. */
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
