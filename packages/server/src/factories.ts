import type { Backend, ChannelLog } from './backend/backend.ts'
import { toEntriesBackend } from './backend/entries-backend.ts'
import { createHandle, foldWhenBehind } from './channel/handle.ts'
import { channelKey } from './channel/key.ts'
import {
  type AnyChannelDefinition,
  type AnyDefinition,
  checkChannelName,
} from './channels-options.ts'
import { RecentReads } from './hub/recent-reads.ts'
import type { ErrorStage } from './hub/report.ts'
import { createPresence, type Presence } from './presence/handle.ts'
import type { Rooms } from './presence/rooms.ts'
import type { AnyRunDefinition } from './run/definition.ts'
import { createRunFactory, type RunFactory } from './run/factory.ts'
import type { FoldedRun } from './run/fold.ts'
import { checkInitial } from './run/fold-value.ts'
import type { RunHandleOptions } from './run/handle.ts'
import { shortestForMs } from './state/checks.ts'
import type { AnyStateChannelDefinition } from './state/definition.ts'
import { createStateHandle } from './state/handle.ts'
import type { LiveSnapshot } from './state/read-state.ts'
import type { Tracer } from './user-code/tracer.ts'

/** The parts that all handles share. */
export interface FactoryParts
  extends Pick<RunHandleOptions, 'codec' | 'clock' | 'reads' | 'hubs' | 'producers'> {
  readonly backend: Backend
  readonly rooms: Rooms
  readonly tracer: Tracer
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

/** The policy of logs with members. Their entries don't expire; the leases of instances do. */
export const membersPolicy: Pick<ChannelLog, 'retain' | 'entries'> = {
  retain: { events: 2_000, forMs: 600_000 },
  entries: { checkMs: 86_400_000, setWithEvents: true },
}

type MakeHandle = (log: ChannelLog) => unknown

/** The parts that all handles share, with caches. */
interface HandleParts extends FactoryParts {
  readonly folds: RecentReads<FoldedRun>
  readonly snapshots: RecentReads<LiveSnapshot>
}

/**
 * Returns a function that creates the factory for the handles of a definition. It throws
 * `INVALID_OPTION` for an invalid name, or for a backend without the features that the definition
 * needs.
 */
export function factoryMaker(
  factoryParts: FactoryParts,
): (name: string, definition: AnyDefinition) => (params?: unknown) => unknown {
  const { clock } = factoryParts
  const caches = {
    folds: new RecentReads<FoldedRun>(clock),
    snapshots: new RecentReads<LiveSnapshot>(clock),
  }
  const parts: HandleParts = { ...factoryParts, ...caches }
  return (name, definition) => {
    checkChannelName(name)
    if ('kind' in definition && definition.kind === 'run')
      return runFactory(parts, name, definition)
    const make =
      'kind' in definition
        ? stateMaker(parts, name, definition)
        : channelMaker(parts, name, definition)
    return (params) =>
      make({ key: channelKey(name, definition.params, params), retain: definition.retain })
  }
}

function channelMaker(
  parts: HandleParts,
  name: string,
  definition: AnyChannelDefinition,
): MakeHandle {
  const { behind, presence: settings } = definition
  const shared = { ...parts, name, definition, behind, ...foldWhenBehind(parts.codec, definition) }
  return (log) => {
    const presence = (): Presence<unknown, unknown> => {
      const backend = toEntriesBackend(parts.backend)
      const key = `~presence${log.key}`
      return createPresence({ ...parts, backend, name, settings, log: { key, ...membersPolicy } })
    }
    return createHandle({ ...shared, log, createPresence: presence })
  }
}

function runFactory(parts: HandleParts, name: string, definition: AnyRunDefinition): RunFactory {
  checkInitial(definition.fold, { name, codec: parts.codec })
  const backend = toEntriesBackend(parts.backend)
  return createRunFactory({ ...parts, backend, name, definition })
}

function stateMaker(
  parts: HandleParts,
  name: string,
  definition: AnyStateChannelDefinition,
): MakeHandle {
  const backend = toEntriesBackend(parts.backend)
  const entries = { checkMs: shortestForMs, setWithEvents: true }
  return (log) =>
    createStateHandle({ ...parts, backend, name, definition, log: { ...log, entries } })
}
