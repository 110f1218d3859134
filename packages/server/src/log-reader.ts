import { type EventId, RealtimeError } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, ReadRange } from './backend.ts'
import type { Codec } from './codec.ts'
import { createFailures } from './failures.ts'
import type { ReportError } from './hub.ts'
import { type DecodeEvent, type LinkedPage, type LogPosition, linkEntries } from './link-entries.ts'

/** A page of a log, and the id that it goes on from. */
export type LogPageFrom = LinkedPage & { readonly from: EventId }

/** Reads one log. */
export interface LogReader {
  /**
   * Reads a page, linked to where `from` stands; without it, to what the first event follows. Who asks for the same at
   * the same time shares one read. Rejects after the failure is reported.
   */
  read(range: ReadRange, from?: LogPosition): Promise<LogPageFrom>
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
  const reads = new Map<string, Promise<LogPageFrom>>()
  const failures = createFailures(report, 'read')
  const decode = createDecode(codec, report, keepsValues)

  async function readPage(range: ReadRange, position: LogPosition | undefined): Promise<LogPageFrom> {
    try {
      const page = await backend.read(log, range)
      failures.worked()
      const from = position ?? { id: page.events[0]?.prev ?? page.lastEventId }
      return { ...linkEntries(from, page, range.limit, decode), from: from.id }
    } catch (error) {
      failures.failed(error)
      throw error
    }
  }

  return {
    decode,
    read(range, from) {
      const key = JSON.stringify([range, from])
      const read = reads.get(key) ?? readPage(range, from).finally(() => reads.delete(key))
      reads.set(key, read)
      return read
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
