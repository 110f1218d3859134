import { eventTimeMs } from '@trpc-sse/protocol'
import type { EventId, StoredEvent } from '@trpc-sse/server'
import { formatTime } from '../output/durations.ts'
import type { Printer } from '../output/printer.ts'
import { cut, jsonLine, safeJson, safeText } from '../output/text.ts'

/** The maximum length of a payload that people are shown, in characters. */
const mostShown = 1_000

/**
 * Prints an event: its time, id and payload. As JSON, `data` is the payload, unless that isn't
 * JSON: another program has written it, and `text` is what it wrote.
 */
export function printEvent(print: Printer, { id, data }: StoredEvent, full: boolean): void {
  const at = formatTime(eventTimeMs(id))
  print.line(
    print.json ? eventLine({ id, at, data }) : `${at}  ${id}  ${safeText(shown(data, full))}`,
  )
}

function eventLine({ id, at, data }: Omit<StoredEvent, 'prev'> & { readonly at: string }): string {
  const start = jsonLine({ id, at }).slice(0, -1)
  const payload = isJson(data) ? `"data":${safeJson(data)}` : `"text":${jsonLine(data)}`
  return `${start},${payload}}`
}

function shown(data: string, full: boolean): string {
  return full ? data : cut(data, mostShown)
}

/** Prints that events are missing. */
export function printGap(
  print: Printer,
  gap: { readonly lastEventId: EventId; readonly reason: string },
): void {
  print.result({ gap }, `--- events after ${gap.lastEventId} are missing (${gap.reason})`)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
