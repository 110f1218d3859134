import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type EventId, isRealtimeError, RealtimeError } from '@trpc-sse/protocol'
import type { AppendOptions, AppendResult, Backend, ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import { findJsonLoss } from '../codec/json-loss.ts'
import { utf8Length } from '../codec/utf8.ts'
import type { HubRegistry } from '../hub/registry.ts'
import type { Tracer } from '../user-code/tracer.ts'
import type { ChannelDefinition } from './definition.ts'
import { describeIssues, issuesOf } from './issues.ts'

/** Options of `publish`. */
export interface PublishOptions {
  /**
   * Makes it safe to repeat a publish. While the key is remembered (the channel's `idempotencyMs`),
   * another publish with it stores nothing and returns the id of the first one. 1 to 256
   * characters.
   */
  readonly idempotencyKey?: string
}

/** The result of a `publish`. */
export interface PublishResult {
  readonly id: EventId
  /** Whether the idempotency key was known. If so, this publish stored nothing. */
  readonly duplicate: boolean
}

/** The parts of a channel that a publish needs. */
export interface PublishSource {
  /** The channel's name. */
  readonly name: string
  readonly log: ChannelLog
  readonly definition: ChannelDefinition<unknown, unknown, unknown>
  readonly backend: Backend
  readonly hubs: HubRegistry
  readonly codec: Codec
  readonly tracer: Tracer
}

/** The maximum number of events in one `publishMany`. */
const maxBatchEvents = 10_000

/** Validates one event and stores it. */
export async function publishOne(
  source: PublishSource,
  event: unknown,
  { idempotencyKey }: PublishOptions = {},
): Promise<PublishResult> {
  const payload = await encodeEvent(source, event)
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
  const { idempotencyMs } = source.definition
  const options = idempotencyKey === undefined ? {} : { idempotencyKey, idempotencyMs }
  const { ids, duplicate } = await append(source, [payload], options)
  return { id: ids[0] ?? '', duplicate }
}

/** Validates events and stores them without other events between them. */
export async function publishBatch(
  source: PublishSource,
  events: readonly unknown[],
): Promise<readonly PublishResult[]> {
  const payloads = await encodeBatch(source, events)
  if (payloads.length === 0) return []
  const { ids } = await append(source, payloads, {})
  return ids.map((id) => ({ id, duplicate: false }))
}

/** Traces a publish that is refused or fails. Returns its result. */
export function traceRefusal<TResult>(
  { name: channel, tracer }: PublishSource,
  result: Promise<TResult>,
): Promise<TResult> {
  if (!tracer.isOn) return result
  return result.catch((error: unknown) => {
    const code = isRealtimeError(error) ? error.code : 'UNKNOWN'
    tracer.report('refused', { code, message: String(error), channel })
    throw error
  })
}

function append(
  { backend, hubs, log }: PublishSource,
  payloads: readonly string[],
  options: AppendOptions,
): Promise<AppendResult> {
  // A subscription that this process opened before the publish must get the event. If its hub is
  // still opening, the append waits for that.
  const after = hubs.find(log.key)?.opening
  return backend.append(log, payloads, after ? { ...options, after } : options)
}

/**
 * Encodes the events of one batch. Throws at the first event that exceeds the batch's maximum size.
 */
async function encodeBatch(
  source: PublishSource,
  events: readonly unknown[],
): Promise<readonly string[]> {
  const { maxBatchBytes } = source.definition
  if (events.length > maxBatchEvents) {
    throw new RealtimeError(
      'INVALID_OPTION',
      `publishMany() got ${events.length} events; the limit is ${maxBatchEvents}. Publish them in several calls.`,
    )
  }
  const payloads: string[] = []
  let bytes = 0
  for (const event of events) {
    const payload = await encodeEvent(source, event)
    bytes += utf8Length(payload)
    if (bytes > maxBatchBytes) throw batchTooLarge(source.name, maxBatchBytes)
    payloads.push(payload)
  }
  return payloads
}

function batchTooLarge(name: string, maxBatchBytes: number): RealtimeError {
  return new RealtimeError(
    'EVENT_TOO_LARGE',
    `The events of publishMany() for channel "${name}" have more than ${maxBatchBytes} bytes together (maxBatchBytes). Publish them in several calls; each call is all or none.`,
  )
}

/** Validates an event and encodes it as the JSON that is sent to clients. */
async function encodeEvent(source: PublishSource, event: unknown): Promise<string> {
  const { name, definition, codec } = source
  const value = await validEvent({ name, schema: definition.event, codec }, event)
  const text = codec.serialize(value)
  checkSize({ name }, text, definition.maxEventBytes)
  return text
}

/** The schema and codec that an event must fit. */
export interface EventCheck {
  /** The channel's name. */
  readonly name: string
  readonly schema: StandardSchemaV1
  readonly codec: Codec
  /**
   * What errors call it.
   *
   * @default 'event'
   */
  readonly what?: 'event' | 'value'
}

/** Returns the schema's output for an event. Rejects with `INVALID_EVENT`. */
export async function validEvent(
  { name, schema, codec, what = 'event' }: EventCheck,
  event: unknown,
): Promise<unknown> {
  const result = await schema['~standard'].validate(event)
  if (result.issues) {
    const message = `The ${what} for channel "${name}" doesn't fit: ${describeIssues(result.issues)}.`
    throw new RealtimeError('INVALID_EVENT', message, { issues: issuesOf(result.issues) })
  }
  if (codec.output === undefined) checkJsonLoss({ name, what }, result.value)
  return result.value
}

const sizeOptions = { event: 'maxEventBytes', value: 'maxValueBytes' }

/** Throws `EVENT_TOO_LARGE` if the JSON of an event is too large. */
export function checkSize(
  { name, what = 'event' }: Pick<EventCheck, 'name' | 'what'>,
  text: string,
  maxBytes: number,
): void {
  // A UTF-16 unit takes at most 3 bytes in UTF-8, so most events need no exact count.
  if (text.length * 3 <= maxBytes) return
  const bytes = utf8Length(text)
  if (bytes <= maxBytes) return
  const message = `The ${what} for channel "${name}" has ${bytes} bytes; the limit is ${maxBytes} (${sizeOptions[what]}). Publish a reference to large data instead.`
  throw new RealtimeError('EVENT_TOO_LARGE', message)
}

/**
 * Throws `INVALID_EVENT` for an event that JSON would change silently. Used without a transformer.
 */
export function checkJsonLoss(
  { name, what: noun }: Required<Pick<EventCheck, 'name' | 'what'>>,
  event: unknown,
): void {
  const lost = event === undefined ? undefined : findJsonLoss(event)
  if (lost === undefined) return
  const { path, what } = lost
  const at = path.length === 0 ? '' : ` at ${path.join('.')}`
  const message =
    `The ${noun} for channel "${name}" has ${what}${at}, which JSON would lose. Publish plain JSON, or give a transformer ` +
    '(superjson, for example) to createChannels, initTRPC.create and the links.'
  const issue = { path, message: `${what} doesn't survive JSON` }
  throw new RealtimeError('INVALID_EVENT', message, { issues: [issue] })
}

function checkIdempotencyKey(key: string): void {
  if (key.length >= 1 && key.length <= 256) return
  throw new RealtimeError(
    'INVALID_OPTION',
    `idempotencyKey has ${key.length} characters. Give 1 to 256.`,
  )
}
