import type { Clock } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { AnyRunDefinition } from './definition.ts'
import type { RunLog } from './run-log.ts'

/** What one run is produced and followed with. */
export interface RunParts {
  /** The name of the run in `createChannels`. */
  readonly name: string
  readonly log: ChannelLog
  readonly definition: AnyRunDefinition
  readonly backend: Backend
  readonly codec: Codec
  readonly clock: Clock
  readonly runLog: RunLog
  /** The runs that are produced in this process: each is a function that abandons it. */
  readonly producers: Set<() => Promise<void>>
}
