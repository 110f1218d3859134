import type { ChannelLog } from '../backend/backend.ts'
import type { EntriesBackend } from '../backend/entries-backend.ts'
import { channelKey, validParams } from '../channel/key.ts'
import { type ActiveRuns, activeLog, createActiveRuns } from './active.ts'
import { ActiveEntry, type ActiveEntryOptions } from './active-entry.ts'
import { createRunHandle, type RunHandle, type RunHandleOptions } from './handle.ts'
import { aliveForMs } from './run-log.ts'

/** Creates the handles of one run definition. */
export interface RunFactory {
  (params?: unknown): RunHandle<unknown, unknown, unknown>
  active(index: string): ActiveRuns<unknown>
}

/** The parts of a {@link RunFactory}. */
export interface RunFactoryOptions
  extends Omit<RunHandleOptions, 'log' | 'createActiveEntry' | 'standbys'>,
    Pick<ActiveEntryOptions, 'report'> {
  readonly backend: EntriesBackend
}

/** Creates a run factory. */
export function createRunFactory(options: RunFactoryOptions): RunFactory {
  const { name, definition } = options
  const { params: schema, index, retain, leaseMs, maxActive } = definition
  const entries = { checkMs: leaseMs / 2 }
  const standbys = new Set<string>()

  function activeEntry(log: ChannelLog, params: unknown): ActiveEntry | undefined {
    if (!index) return undefined
    const valid = schema ? validParams(name, schema, params) : undefined
    return new ActiveEntry({
      ...options,
      leaseMs,
      maxActive,
      // A run that can be taken over stays listed while it waits for a producer.
      forMs: aliveForMs(definition),
      params,
      key: log.key,
      log: activeLog(definition, name, index(valid)),
    })
  }

  function create(params?: unknown): RunHandle<unknown, unknown, unknown> {
    const log = { key: channelKey(name, schema, params), retain, entries }
    const createActiveEntry = (): ActiveEntry | undefined => activeEntry(log, params)
    return createRunHandle({ ...options, log, standbys, createActiveEntry })
  }

  const active = (key: string): ActiveRuns<unknown> =>
    createActiveRuns({ ...options, log: activeLog(definition, name, key) })
  return Object.assign(create, { active })
}
