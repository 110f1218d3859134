import {
  type EventId,
  eventTimeMs,
  invalidLastEventId,
  isEventId,
  RealtimeError,
} from '@trpc-sse/protocol'
import type { AppendOptions, Backend, ChannelLog, ReadFrom } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import { findJsonLoss } from '../codec/json-loss.ts'
import { utf8Length } from '../codec/utf8.ts'
import type { ErrorStage } from '../hub/hub.ts'
import type { Reads } from '../hub/reads.ts'
import type { LiveEvent, LoadSnapshot, SnapshotData } from '../subscription/live.ts'
import type { LiveOptions, SubscribeOptions } from '../subscription/resume.ts'
import { type ChannelFeedOptions, followLive, subscribeTo } from '../subscription/subscribe.ts'
import type { ChannelSubscription } from '../subscription/subscription.ts'
import type { ChannelDefinition } from './definition.ts'
import { readHistory, readLastEventId } from './history.ts'
import { describe, issuesOf } from './key.ts'

/** Options of `publish`. */
export interface PublishOptions {
  /**
   * A second publish with the same key, within the channel's `idempotencyMs`, stores nothing and gets the first one's
   * id. 1 to 256 characters.
   */
  readonly idempotencyKey?: string
}

/** What became of a `publish`. */
export interface PublishResult {
  readonly id: EventId
  /** Whether the idempotency key was known: nothing was stored now. */
  readonly duplicate: boolean
}

/** An event as `history` returns it. */
export interface HistoryEvent<TEvent> {
  readonly id: EventId
  readonly data: TEvent
  /** When it was stored, by the log's clock. */
  readonly at: Date
}

/** What to read: the newest `last` events, or up to `limit` (default 100) after an id. At most 10,000. */
export type HistoryRange =
  | { readonly last: number }
  | { readonly after: EventId; readonly limit?: number }

/** Part of a channel's log, oldest event first. */
export interface History<TEvent> {
  readonly events: ReadonlyArray<HistoryEvent<TEvent>>
  /** Where the channel stood at that moment: subscribe with it, and nothing is missing in between. */
  readonly lastEventId: EventId
}

/** One channel with its params: what you publish to and subscribe to. Cheap to make; nothing is opened by it. */
export interface ChannelHandle<TInput, TEvent> {
  /**
   * Checks an event and stores it at the end of the log. Resolves once every subscriber can have it. Rejects, having
   * stored nothing, with `INVALID_EVENT` (the schema's `issues`) or `EVENT_TOO_LARGE`; with `BACKEND_UNAVAILABLE`
   * if the backend doesn't answer: whether the event is stored is then unknown, so repeat it with an idempotency key.
   */
  publish(event: TInput, options?: PublishOptions): Promise<PublishResult>
  /**
   * Stores up to 10,000 events, and up to the channel's `maxBatchBytes`, next to each other, in one round trip: all or
   * none. Rejects as `publish` does.
   */
  publishMany(events: readonly TInput[]): Promise<readonly PublishResult[]>
  /** Reads the log. Rejects with `BACKEND_UNAVAILABLE`, or `INVALID_LAST_EVENT_ID` for a bad `after`. */
  history(range: HistoryRange): Promise<History<TEvent>>
  /** Where the channel stands. Read it before the data of a query: `{ data, lastEventId }` joins with a subscription. */
  lastEventId(): Promise<EventId>
  /**
   * Deletes the log's events: a finished answer, a person's data. Readers are told of a gap with the reason `reset`, and follow
   * what is published from then on. Idempotency keys are remembered for their time: what was published before isn't
   * stored again. Rejects with `BACKEND_UNAVAILABLE`.
   */
  clear(): Promise<void>
  /** Subscribes. Pass the resolver's `opts`, and return the result from the procedure. */
  subscribe(options?: SubscribeOptions): ChannelSubscription<TEvent>
  /**
   * Subscribes to a state and what happens to it: `{ type: 'snapshot', data }`, then `{ type: 'event', data }` for each
   * event behind it. The position is read before `loadSnapshot` is called, so that nothing is missing between the
   * two; the first events may be in the snapshot already. Who resumes goes on with events. Where events can't be had
   * any more, another snapshot comes in their place, and no gap is reported. If `loadSnapshot` fails, so does the
   * subscription, with its error.
   */
  live<TLoaded>(
    options: LiveOptions,
    loadSnapshot: LoadSnapshot<TLoaded>,
  ): ChannelSubscription<LiveEvent<SnapshotData<TLoaded>, TEvent>>
}

/** What a handle is made of. */
export interface HandleOptions extends ChannelFeedOptions {
  readonly name: string
  readonly definition: ChannelDefinition<unknown, unknown, unknown>
  readonly backend: Backend
  readonly reads: Reads
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

const maxMany = 10_000

/** Creates the handle of one channel with its params. */
export function createHandle<TInput, TEvent>(
  options: HandleOptions,
): ChannelHandle<TInput, TEvent> {
  const { log, backend, codec, definition } = options

  // A subscriber in this process from before a publish gets the event: a hub that is opening is waited for.
  const afterOpening = (): Pick<AppendOptions, 'after'> => {
    const after = options.hubs.find(log.key)?.opening
    return after ? { after } : {}
  }

  return {
    async publish(event, { idempotencyKey } = {}) {
      const payload = await encodeEvent(options, event)
      if (idempotencyKey !== undefined) checkKey(idempotencyKey)
      const keyed =
        idempotencyKey === undefined
          ? {}
          : { idempotencyKey, idempotencyMs: definition.idempotencyMs }
      const { ids, duplicate } = await backend.append(log, [payload], {
        ...keyed,
        ...afterOpening(),
      })
      return { id: ids[0] ?? '', duplicate }
    },
    async publishMany(events) {
      const payloads = await encodeMany(options, events)
      if (payloads.length === 0) return []
      const { ids } = await backend.append(log, payloads, afterOpening())
      return ids.map((id) => ({ id, duplicate: false }))
    },
    async history(range) {
      const { from, limit } = historyRange(range)
      const page = await readHistory(options, from, limit)
      const events = page.events.flatMap(({ id, data }) => {
        const decoded = decodeStored(codec, data, (error) => options.report(error, 'decode', log))
        return decoded ? [{ id, data: decoded.value as TEvent, at: new Date(eventTimeMs(id)) }] : []
      })
      return { events, lastEventId: page.lastEventId }
    },
    lastEventId: () => readLastEventId(options),
    clear: () => backend.clear(log),
    subscribe: (subscribe = {}) => subscribeTo(options, subscribe),
    live: (subscribe, loadSnapshot) => followLive(options, subscribe, loadSnapshot),
  }
}

/** Encodes events that are stored together. Stops at the first one that there is no room for. */
async function encodeMany(
  options: HandleOptions,
  events: readonly unknown[],
): Promise<readonly string[]> {
  const { name, definition } = options
  if (events.length > maxMany) {
    throw new RealtimeError(
      'INVALID_OPTION',
      `publishMany() got ${events.length} events; the limit is ${maxMany}. Publish them in parts.`,
    )
  }
  const payloads: string[] = []
  let bytes = 0
  for (const event of events) {
    const payload = await encodeEvent(options, event)
    bytes += utf8Length(payload)
    if (bytes > definition.maxBatchBytes) throw batchTooLarge(name, definition.maxBatchBytes)
    payloads.push(payload)
  }
  return payloads
}

function batchTooLarge(name: string, maxBatchBytes: number): RealtimeError {
  return new RealtimeError(
    'EVENT_TOO_LARGE',
    `publishMany() got events for channel "${name}" that have more than ${maxBatchBytes} bytes together (maxBatchBytes). Publish them in parts, each all or none.`,
  )
}

/** Checks an event by its schema, and writes it as the JSON that goes on the wire. */
async function encodeEvent(
  { name, definition, codec }: HandleOptions,
  event: unknown,
): Promise<string> {
  const result = await definition.event['~standard'].validate(event)
  if (result.issues) {
    throw new RealtimeError(
      'INVALID_EVENT',
      `The event for channel "${name}" doesn't fit: ${describe(result.issues)}.`,
      {
        issues: issuesOf(result.issues),
      },
    )
  }
  if (codec.output === undefined) mustSurviveJson(name, result.value)
  const text = codec.serialize(result.value)
  const { maxEventBytes } = definition
  // A UTF-16 unit is at most 3 bytes of UTF-8: most events need no count.
  if (text.length * 3 <= maxEventBytes) return text
  const bytes = utf8Length(text)
  if (bytes <= maxEventBytes) return text
  const message = `The event for channel "${name}" has ${bytes} bytes; the limit is ${maxEventBytes} (maxEventBytes). Publish a reference to large data instead.`
  throw new RealtimeError('EVENT_TOO_LARGE', message)
}

/** Without a transformer, subscribers get what JSON makes of an event: no other values than were published. */
function mustSurviveJson(name: string, event: unknown): void {
  const lost = event === undefined ? undefined : findJsonLoss(event)
  if (lost === undefined) return
  const { path, what } = lost
  const at = path.length === 0 ? '' : ` at ${path.join('.')}`
  const message =
    `The event for channel "${name}" has ${what}${at}, which JSON would lose. Publish plain JSON, or give a transformer ` +
    '(superjson, for example) to createChannels, initTRPC.create and the links.'
  const issue = { path, message: `${what} doesn't survive JSON` }
  throw new RealtimeError('INVALID_EVENT', message, { issues: [issue] })
}

function checkKey(key: string): void {
  if (key.length >= 1 && key.length <= 256) return
  throw new RealtimeError(
    'INVALID_OPTION',
    `idempotencyKey has ${key.length} characters. Give 1 to 256.`,
  )
}

function historyRange(range: HistoryRange): { readonly from: ReadFrom; readonly limit: number } {
  const limit = 'last' in range ? range.last : (range.limit ?? 100)
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > maxMany) {
    throw new RealtimeError(
      'INVALID_OPTION',
      `history(): ${limit} events. Give a whole number from 1 to ${maxMany}.`,
    )
  }
  if ('last' in range) return { from: { last: limit }, limit }
  if (!isEventId(range.after)) throw invalidLastEventId(String(range.after))
  return { from: { after: range.after }, limit }
}

function decodeStored(
  codec: Codec,
  data: string,
  report: (error: unknown) => void,
): { readonly value: unknown } | undefined {
  try {
    return { value: codec.deserialize(data) }
  } catch (error) {
    report(error)
    return undefined
  }
}
