import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, ReadRange } from '../backend/backend.ts'
import type { Codec } from '../codec/codec.ts'
import type { DecodeEvent, LogPosition } from './contiguity.ts'
import { Page } from './page.ts'
import { FailureReport, type ReportError } from './report.ts'

/** Reads one log. */
export interface LogReader {
  /**
   * Reads a page, linked to where `from` stands; without it, to what the first event follows. Rejects after the failure is
   * reported, or when the signal aborts.
   */
  read(range: ReadRange, from?: LogPosition, signal?: AbortSignal): Promise<Page>
  readonly decode: DecodeEvent
}

/** What a log reader is made of. */
export interface LogReaderOptions {
  readonly backend: Backend
  readonly codec: Codec
  readonly report: ReportError
  /** Whether somebody needs the values of events: a value that is decoded is then kept. */
  keepsValues(): boolean
}

/** Undecodable events of one log that are remembered as reported. */
const maxReported = 256

/** Creates the reader of one log. */
export function createLogReader(
  log: ChannelLog,
  { backend, codec, report, keepsValues }: LogReaderOptions,
): LogReader {
  const failures = new FailureReport(report, 'read')
  const decode = createDecode(codec, report, keepsValues)
  return {
    decode,
    async read(range, from, signal) {
      try {
        const page = await backend.read(log, range, signal && { signal })
        failures.succeeded()
        return new Page(range, from, page, decode)
      } catch (error) {
        if (signal?.aborted !== true) failures.failed(error)
        throw error
      }
    },
  }
}

/**
 * Makes events of what is stored. A payload that a client could not decode either is reported once, and left out: it
 * would end every subscription that it reaches.
 */
function createDecode(codec: Codec, report: ReportError, keepsValues: () => boolean): DecodeEvent {
  const reported = new Set<EventId>()
  return ({ id, data }, prev) => {
    try {
      const value = codec.deserialize(data)
      const decoded = keepsValues() ? { value } : undefined
      return { kind: 'event', id, prev, data, codec, decoded, frame: undefined }
    } catch (cause) {
      if (reported.has(id)) return undefined
      if (reported.size >= maxReported) reported.clear()
      reported.add(id)
      const message = `The payload of event ${id} can't be decoded; it was skipped. Who else writes to this log, or with which transformer?`
      report(new RealtimeError('UNDECODABLE_EVENT', message, { cause }), 'decode')
      return undefined
    }
  }
}
