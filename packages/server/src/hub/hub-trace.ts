import type { TracedLog } from '@trpc-sse/protocol'
import type { ChannelLog, StoredEvent } from '../backend/backend.ts'
import { tracedLog } from '../backend/traced-backend.ts'
import type { Tracer } from '../user-code/tracer.ts'
import type { LogEntry } from './log-event.ts'

/** Traces the events that reach one hub. */
export class HubTrace {
  readonly #tracer: Tracer
  readonly #log: ChannelLog
  /** The facts that name the log, once somebody traces. */
  #facts: TracedLog | undefined

  constructor(tracer: Tracer, log: ChannelLog) {
    this.#tracer = tracer
    this.#log = log
  }

  heard({ id }: StoredEvent): void {
    if (this.#tracer.isOn) this.#tracer.report('heard', { ...this.#name(), id })
  }

  windowed(entry: LogEntry, source: 'notification' | 'read'): void {
    if (this.#tracer.isOn && entry.kind === 'event')
      this.#tracer.report('windowed', { ...this.#name(), id: entry.id, source })
  }

  #name(): TracedLog {
    this.#facts ??= tracedLog(this.#log)
    return this.#facts
  }
}
