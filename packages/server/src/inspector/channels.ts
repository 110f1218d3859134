import { isRealtimeError } from '@trpc-sse/protocol'
import type { ChannelsInternals } from '../channels.ts'
import type { Hub } from '../hub/hub.ts'
import { channelOf } from '../user-code/tracer.ts'
import { firstRows, short } from './bounds.ts'
import type { ChannelRow, ChannelsAnswer, Kind, TemplateRow } from './messages.ts'

/** Lists the open logs, those with the most readers first, and their counts by definition. */
export function listChannels(internals: ChannelsInternals, filter: string): ChannelsAnswer {
  const hubs = [...internals.hubs.all()]
  const matching = hubs
    .filter(({ log }) => log.key.includes(filter))
    .sort((a, b) => b.readers - a.readers)
  return {
    ...firstRows(matching, (hub) => channelRow(internals, hub)),
    templates: firstRows(templatesOf(internals, hubs), (row) => row),
  }
}

/** Returns the row of an open log. */
export function channelRow(internals: ChannelsInternals, hub: Hub): ChannelRow {
  const { window, failure, log, readers } = hub
  return {
    // The full key: it has at most 1,024 characters, and asks for the details.
    log: log.key,
    kind: kindOf(internals, log.key),
    readers,
    windowEvents: window ? window.end - window.start : 0,
    windowCharacters: window?.characters ?? 0,
    lastEventId: window?.tail,
    failure: failure === undefined ? undefined : messageOf(failure),
  }
}

/** Returns what a log belongs to. */
export function kindOf({ definitions }: ChannelsInternals, key: string): Kind {
  if (key.startsWith('~presence')) return 'presence'
  const name = channelOf(key)
  const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined
  if (definition === undefined) return 'internal'
  return 'kind' in definition ? definition.kind : 'channel'
}

/** Returns the message of an error, with its code if it has one. */
export function messageOf(error: unknown): string {
  if (isRealtimeError(error)) return short(`${error.code}: ${error.message}`)
  return short(error instanceof Error ? error.message : 'Something that is no error was thrown.')
}

function templatesOf(internals: ChannelsInternals, hubs: readonly Hub[]): TemplateRow[] {
  const templates = new Map<string, TemplateRow>()
  for (const { log, readers } of hubs) {
    const name = channelOf(log.key)
    const before = templates.get(name)
    templates.set(name, {
      name,
      kind: before?.kind ?? kindOf(internals, log.key),
      logs: (before?.logs ?? 0) + 1,
      readers: (before?.readers ?? 0) + readers,
    })
  }
  return [...templates.values()].sort((a, b) => b.readers - a.readers)
}
