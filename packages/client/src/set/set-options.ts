import type { Operation } from '@trpc/client'
import type { FailureMemory } from '../stream/failures.ts'
import type { StreamSettings } from '../stream/stream-options.ts'
import type { ReadErrorBody } from '../transport/response.ts'
import type { Endpoint } from '../wire/request.ts'
import type { Positions } from './positions.ts'

/** The options of a set. */
export interface SetOptions extends StreamSettings {
  /** Whether the set is one subscription, in single mode. */
  readonly isSingle: boolean
  readonly lingerMs: number
  readonly positions: Positions
  readonly failures: FailureMemory
  readonly endpoint: (opList: [Operation, ...Operation[]]) => Promise<Endpoint>
  readonly readErrorBody: ReadErrorBody
  /**
   * Finds the error of one subscription in the refusal of a set; returns the refusal if it has
   * none.
   */
  readonly readOwnError: (refusal: unknown, key: string) => unknown
  /**
   * The server doesn't know multiplexed mode. Called before all members continue in single mode.
   */
  readonly onUnknown: (status: number) => void
  /**
   * Listens for failed attempts of another tab to open the stream that was requested. That tab
   * tries again.
   */
  readonly onDelayed?: (listener: (error: unknown) => void) => void
  /** A stream in single mode comes from a server that knows multiplexed mode. */
  readonly onKnown: () => void
}
