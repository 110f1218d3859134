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
import type { AnyRunDefinition } from './run/definition.ts'
import { createRunFactory, type RunFactory } from './run/factory.ts'
import type { FoldedRun } from './run/fold.ts'
import { checkInitial } from './run/fold-value.ts'
import type { RunHandleOptions } from './run/handle.ts'
import { shortestForMs } from './state/checks.ts'
import type { AnyStateChannelDefinition } from './state/definition.ts'
import { createStateHandle, type LiveSnapshot } from './state/handle.ts'

/** What all handles of {@link createChannels} are made of. */
export interface FactoryParts
  extends Pick<RunHandleOptions, 'codec' | 'clock' | 'reads' | 'hubs' | 'producers'> {
  readonly backend: Backend
  report(error: unknown, stage: ErrorStage, log: ChannelLog): void
}

type MakeHandle = (log: ChannelLog) => unknown

/**
 * Returns a function that makes the factory of a definition's handles. It throws `INVALID_OPTION`
 * for a name that can't be used, or a backend that doesn't keep what the definition needs.
 */
export function factoryMaker(
  parts: FactoryParts,
): (name: string, definition: AnyDefinition) => (params?: unknown) => unknown {
  const folds = new RecentReads<FoldedRun>(parts.clock)
  const snapshots = new RecentReads<LiveSnapshot>(parts.clock)

  function channelHandle(name: string, definition: AnyChannelDefinition): MakeHandle {
    const { behind } = definition
    const shared = {
      ...parts,
      name,
      definition,
      behind,
      ...foldWhenBehind(parts.codec, definition),
    }
    return (log) => createHandle({ ...shared, log })
  }

  function runFactory(name: string, definition: AnyRunDefinition): RunFactory {
    checkInitial(definition.fold, { name, codec: parts.codec })
    const backend = toEntriesBackend(parts.backend)
    return createRunFactory({ ...parts, backend, name, definition, folds })
  }

  function stateHandle(name: string, definition: AnyStateChannelDefinition): MakeHandle {
    const backend = toEntriesBackend(parts.backend)
    const entries = { checkMs: shortestForMs, setWithEvents: true }
    return (of) =>
      createStateHandle({
        ...parts,
        backend,
        name,
        definition,
        snapshots,
        log: { ...of, entries },
      })
  }

  return (name, definition) => {
    checkChannelName(name)
    if ('kind' in definition && definition.kind === 'run') return runFactory(name, definition)
    const make =
      'kind' in definition ? stateHandle(name, definition) : channelHandle(name, definition)
    return (params) =>
      make({ key: channelKey(name, definition.params, params), retain: definition.retain })
  }
}
