import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { ChannelLog } from '../backend/backend.ts'
import type { ChangeResult, EntryUpdate, LogChange } from '../backend/entries.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { checkSize, validEvent } from '../channel/publish.ts'
import type { Codec } from '../codec/codec.ts'
import type { StateChange } from './changes.ts'
import { checkForMs, checkKey } from './checks.ts'
import type { AnyStateChannelDefinition } from './definition.ts'

/** The parts of a {@link StateWriter}. */
export interface StateWriterOptions {
  /** The name of the channel. */
  readonly name: string
  readonly log: ChannelLog
  readonly definition: AnyStateChannelDefinition
  readonly backend: EntriesBackend
  readonly codec: Codec
}

/**
 * The maximum number of entries in one `setMany`. Redis serves nobody else while it stores them.
 */
const maxBatchEntries = 1_000
/** The maximum number of attempts of one `update`. */
const maxTries = 50

/** Changes one map. Each change stores the entries and their events in one step. */
export class StateWriter {
  readonly #options: StateWriterOptions

  constructor(options: StateWriterOptions) {
    this.#options = options
  }

  /** Sets entries. Returns the ids of the changes. */
  async set(
    place: string,
    entries: Iterable<readonly [key: string, value: unknown]>,
    givenForMs: number | undefined,
  ): Promise<readonly EventId[]> {
    const forMs = this.#forMs(place, givenForMs)
    const set: EntryUpdate[] = []
    const payloads: string[] = []
    for (const [key, value] of entries) {
      if (set.length === maxBatchEntries) throw tooManyAtOnce(place)
      const { update, payload } = await this.#encode(place, key, { value, forMs })
      set.push(update)
      payloads.push(payload)
    }
    if (set.length === 0) return []
    return (await this.#change({ set, payloads })).ids
  }

  /**
   * Replaces the value of an entry by the result of `change`. Deletes the entry if the result is
   * `undefined`. Starts again if somebody else changed the entry in the meantime. Returns the id of
   * the event; `undefined` if nothing was changed.
   */
  async update(
    place: string,
    key: string,
    change: (value: unknown) => unknown,
    givenForMs: number | undefined,
  ): Promise<EventId | undefined> {
    checkKey(place, key)
    const forMs = this.#forMs(place, givenForMs)
    const { codec } = this.#options
    // The text of a value is never empty. So this condition fails, and the result has the text.
    let [is = null] = (await this.#change({ when: [{ key, is: '' }] })).current
    for (let tries = 0; tries < maxTries; tries++) {
      const value = await change(is === null ? undefined : codec.deserialize(is))
      if (value === undefined && is === null) return undefined
      const next =
        value === undefined
          ? { delete: [key], payloads: [this.#removed(key)] }
          : await this.#encode(place, key, { value, forMs }).then(({ update, payload }) => ({
              set: [update],
              payloads: [payload],
            }))
      const { outcome, ids, current } = await this.#change({ when: [{ key, is }], ...next })
      if (outcome === 'changed') return ids[0]
      is = current[0] ?? null
    }
    const message = `${place}: the entry was changed by others ${maxTries} times, each time before the new value was stored. Call it again.`
    throw new RealtimeError('UPDATE_CONFLICT', message)
  }

  async #encode(
    place: string,
    key: string,
    { value, forMs }: { readonly value: unknown; readonly forMs: number | undefined },
  ): Promise<{ update: EntryUpdate; payload: string }> {
    const { name, definition, codec } = this.#options
    checkKey(place, key)
    const what = { name, schema: definition.value, codec, what: 'value' } as const
    const valid = await validEvent(what, value)
    const text = codec.serialize(valid)
    checkSize(what, text, definition.maxValueBytes)
    const payload = codec.serialize({ type: 'set', key, value: valid } satisfies Change)
    const expiry = forMs === undefined ? {} : { forMs, onExpiry: this.#removed(key) }
    return { update: { key, value: text, ...expiry }, payload }
  }

  async #change(change: LogChange): Promise<ChangeResult> {
    const { name, backend, log, definition } = this.#options
    const { maxEntries } = definition
    const result = await backend.change(log, { ...change, maxEntries })
    if (result.outcome !== 'full') return result
    const message = `Channel "${name}" has ${maxEntries} entries, which is its limit (entries.max). Delete some, set them for a time (forMs), or raise the limit.`
    throw new RealtimeError('TOO_MANY_ENTRIES', message)
  }

  #removed(key: string): string {
    return this.#options.codec.serialize({ type: 'removed', key } satisfies Change)
  }

  #forMs(place: string, given: number | undefined): number | undefined {
    if (given === undefined) return this.#options.definition.forMs
    checkForMs(place, given)
    return given
  }
}

type Change = StateChange<unknown>

function tooManyAtOnce(place: string): RealtimeError {
  const message = `${place} got more than ${maxBatchEntries} entries. Set them in several calls; each call is all or none.`
  return new RealtimeError('INVALID_OPTION', message)
}
