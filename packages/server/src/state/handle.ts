import type { EventId } from '@trpc-sse/protocol'
import { keepAlive } from '../user-code/keep-alive.ts'
import { readState, type StateReadOptions, type StateReads } from './read-state.ts'
import { StateWriter, type StateWriterOptions } from './state-writer.ts'

/** Options of `set`, `setMany` and `update`. */
export interface SetOptions {
  /**
   * When the entry expires, in milliseconds from now, 1,000 to 30 days. Readers see it within a
   * second after that.
   *
   * @default the channel's `forMs`
   */
  readonly forMs?: number
}

/** The result of a change. */
export interface StateResult<TId extends EventId | undefined = EventId> {
  /** The id of the event that announces the change; `undefined` if nothing was changed. */
  readonly id: TId
}

/**
 * The handle of one map: change the map, and subscribe to it. Creating a handle is cheap, and opens
 * nothing.
 *
 * A key is any text of 1 to 256 characters. All methods reject with `INVALID_OPTION` for any other
 * key, and with `BACKEND_UNAVAILABLE` if the backend doesn't answer. The change may be stored then.
 */
export interface StateHandle<TInput, TValue> extends StateReads<TValue> {
  /**
   * Sets the value of a key. Resolves when every subscriber will receive it.
   *
   * Rejects, with nothing changed, with `INVALID_EVENT` (which has the schema's `issues`),
   * `EVENT_TOO_LARGE` or `TOO_MANY_ENTRIES`.
   */
  set(key: string, value: TInput, options?: SetOptions): Promise<StateResult>
  /** Sets up to 1,000 entries in one step: all or none. Rejects as `set` does. */
  setMany(
    entries: Iterable<readonly [key: string, value: TInput]>,
    options?: SetOptions,
  ): Promise<readonly StateResult[]>
  /**
   * Calls `change` with the current value, or with `undefined` if there is no entry, and sets the
   * result. If the result is `undefined`, the entry is deleted.
   *
   * If somebody else changed the entry in the meantime, `change` is called again, up to 50 times in
   * all. Rejects with `UPDATE_CONFLICT` after that, with what `change` throws, or as `set` does.
   */
  update(
    key: string,
    change: (value: TValue | undefined) => MaybePromise<TInput | undefined>,
    options?: SetOptions,
  ): Promise<StateResult<EventId | undefined>>
  /** Deletes an entry, if there is one. Rejects with `UPDATE_CONFLICT` as `update` does. */
  delete(key: string): Promise<StateResult<EventId | undefined>>
}

type MaybePromise<TValue> = TValue | PromiseLike<TValue>

/** The parts of a {@link StateHandle}. */
export interface StateHandleOptions
  extends StateWriterOptions,
    Omit<StateReadOptions, 'conflate' | 'decode' | 'maxValueBytes' | 'onOpen'> {}

/** Creates the handle of one map. */
export function createStateHandle<TInput, TValue>(
  options: StateHandleOptions,
): StateHandle<TInput, TValue> {
  const writer = new StateWriter(options)
  const { definition } = options
  return {
    async set(key, value, { forMs } = {}) {
      const [id = ''] = await keepAlive(writer.set('set()', [[key, value]], forMs))
      return { id }
    },
    async setMany(entries, { forMs } = {}) {
      const ids = await keepAlive(writer.set('setMany()', entries, forMs))
      return ids.map((id) => ({ id }))
    },
    async update(key, change, { forMs } = {}) {
      const apply = (value: unknown): unknown => change(value as TValue | undefined)
      return { id: await keepAlive(writer.update('update()', key, apply, forMs)) }
    },
    async delete(key) {
      const remove = (): undefined => undefined
      return { id: await keepAlive(writer.update('delete()', key, remove, undefined)) }
    },
    ...readState<TValue>({
      ...options,
      conflate: definition.conflate,
      maxValueBytes: definition.maxValueBytes,
      decode: (text) => options.codec.deserialize(text),
    }),
  }
}
