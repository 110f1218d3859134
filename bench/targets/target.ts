import type http from 'node:http'
import type { Tick } from '../payload.ts'

/** A server that is measured. */
export interface Target {
  readonly server: http.Server
  /** Where a client subscribes. */
  readonly path: string
  /** Sends an event to all who are subscribed. */
  publish(event: Tick): void
}
