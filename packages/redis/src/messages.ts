import type { StoredEvent } from '@trpc-sse/server'
import { areAscending } from './commands/scripts/checks.ts'

/** The message that tells listeners to read the log. A message of an event has spaces. */
export const interruption = 'interrupted'

/** Begins a message that is a notice. A message of an event never begins like that. */
export const noticePrefix = 'notice '

/**
 * Parses what the append script publishes: `<prev> <id> <payload>`; `undefined` for anything else.
 */
export function parseMessage(message: string): StoredEvent | undefined {
  const prevEnd = message.indexOf(' ')
  const idEnd = message.indexOf(' ', prevEnd + 1)
  if (prevEnd < 0 || idEnd < 0) return undefined
  const [prev, id] = [message.slice(0, prevEnd), message.slice(prevEnd + 1, idEnd)]
  return areAscending([prev, id]) ? { prev, id, data: message.slice(idEnd + 1) } : undefined
}
