import { type EventId, type ReadCause, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, ReadRange } from '../backend/backend.ts'
import { payloadOf, payloadText } from '../backend/stored-bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { DecodeEvent, LogPosition } from './contiguity.ts'
import { Page } from './page.ts'
import { FailureReport, type ReportError } from './report.ts'

/** Why a page is read, and until when. */
export interface ReadReason {
  readonly cause: ReadCause
  readonly signal?: AbortSignal
}

/** Reads and decodes one log. */
export interface LogReader {
  /**
   * Reads a page and checks that it follows `from`. Without `from`, the page may start anywhere.
   * Reports an error before it rejects. Also rejects when the signal aborts.
   */
  read(range: ReadRange, from: LogPosition | undefined, options: ReadReason): Promise<Page>
  readonly decode: DecodeEvent
}

/** The parts of a {@link LogReader}. */
export interface LogReaderOptions {
  readonly backend: Backend
  readonly codec: Codec
  readonly report: ReportError
  /** Whether any reader needs the values of events. If so, decoded values are kept. */
  keepsValues(): boolean
}

/** The maximum number of events of one log that are remembered as reported. */
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
    async read(range, from, options) {
      try {
        const page = await backend.read(log, range, options)
        failures.succeeded()
        return new Page(range, from, page, decode)
      } catch (error) {
        if (options.signal?.aborted !== true) failures.failed(error)
        throw error
      }
    },
  }
}

/**
 * Creates the decoder of stored events. An undecodable event is reported once and skipped, because
 * its payload would end every subscription that gets it.
 */
function createDecode(codec: Codec, report: ReportError, keepsValues: () => boolean): DecodeEvent {
  const reported = new Set<EventId>()
  return (stored, prev) => {
    const { id } = stored
    try {
      const data = payloadOf(stored)
      const value = codec.deserialize(payloadText(data))
      const decoded = keepsValues() ? { value } : undefined
      return { kind: 'event', id, prev, data, codec, decoded, frame: undefined }
    } catch (cause) {
      if (reported.has(id)) return undefined
      if (reported.size >= maxReported) reported.clear()
      reported.add(id)
      const message = `The payload of event ${id} can't be decoded, so the event was skipped. Check what else writes to this log, and with which transformer.`
      report(new RealtimeError('UNDECODABLE_EVENT', message, { cause }), 'decode')
      return undefined
    }
  }
}
