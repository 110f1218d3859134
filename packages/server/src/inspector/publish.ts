import { isPlainObject, RealtimeError } from '@trpc-sse/protocol'
import { channelKey } from '../channel/key.ts'
import type { ChannelsInternals } from '../channels.ts'
import type { AnyDefinition } from '../channels-options.ts'
import { toJsonSchema } from './json-schema.ts'
import type { Answers, DefinitionRow } from './messages.ts'

/** The maximum number of definitions that are listed. */
const maxDefinitions = 500

/** Lists the definitions, with their schemas. */
export function listDefinitions({ definitions }: ChannelsInternals): readonly DefinitionRow[] {
  return Object.entries(definitions)
    .slice(0, maxDefinitions)
    .map(([name, definition]) => ({
      name,
      kind: 'kind' in definition ? definition.kind : 'channel',
      hasParams: definition.params !== undefined,
      params: toJsonSchema(definition.params),
      event: 'event' in definition ? toJsonSchema(definition.event) : undefined,
    }))
}

/** Returns the key of a log. Throws `INVALID_OPTION` for an unknown name. */
export function keyOf({ definitions }: ChannelsInternals, name: string, params: unknown): string {
  return channelKey(name, definitionOf(definitions, name).params, withDates(params))
}

/** Publishes an event to a channel, which validates it. */
export async function publish(
  internals: ChannelsInternals,
  { name, params, event }: { name: string; params: unknown; event: unknown },
): Promise<Answers['publish']> {
  const log = keyOf(internals, name, params)
  const handle = internals.handle(name, withDates(params))
  if (!isPublisher(handle)) {
    const message = `${JSON.stringify(name)} is no channel: events are published to channels only.`
    throw new RealtimeError('INVALID_OPTION', message)
  }
  const { id } = await handle.publish(withDates(event))
  return { id, log }
}

/** Replaces `{ "$date": "…" }` by a date, which JSON can't write. */
export function withDates(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDates)
  if (!isPlainObject(value)) return value
  const { $date } = value
  if (typeof $date === 'string' && Object.keys(value).length === 1) return new Date($date)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withDates(each)]))
}

function definitionOf(definitions: ChannelsInternals['definitions'], name: string): AnyDefinition {
  const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined
  if (definition) return definition
  throw new RealtimeError('INVALID_OPTION', `There is no channel ${JSON.stringify(name)}.`)
}

interface Publisher {
  publish(event: unknown): Promise<{ readonly id: string }>
}

function isPublisher(handle: unknown): handle is Publisher {
  return typeof handle === 'object' && handle !== null && 'publish' in handle
}
