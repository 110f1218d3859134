import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { ActiveEntry } from './active-entry.ts'
import type { AnyRunDefinition } from './definition.ts'
import type { FoldedRun } from './fold.ts'
import type { RunLog } from './run-log.ts'

/** The parts of one run that its producer and followers need. */
export interface RunParts {
  /** The name of the run in `createChannels`. */
  readonly name: string
  readonly log: ChannelLog
  readonly definition: AnyRunDefinition
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly runLog: RunLog
  /** Reads the value; `undefined` for a run without a fold. */
  readonly readValue: (() => Promise<FoldedRun>) | undefined
  /** Creates the run's entry in its index; `undefined` for a run without an index. */
  createActiveEntry(): ActiveEntry | undefined
  /** For each run that this process produces, a function that abandons the run. */
  readonly producers: Set<() => Promise<void>>
  /** The keys of the runs for which a call of `produce` waits in this process. */
  readonly standbys: Set<string>
}
