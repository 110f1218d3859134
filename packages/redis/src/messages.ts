import type { StoredEvent } from '@trpc-sse/server'
import { areAscending } from './commands/scripts/checks.ts'

/**
 * The message that makes listeners read the log. It has no spaces, unlike the message of an event.
 */
export const interruption = 'interrupted'

/** The prefix of a message with a notice. The message of an event begins with an id instead. */
export const noticePrefix = 'notice '

/**
 * Parses the message of an event, `<prev> <id> <payload>`. Returns `undefined` for any other text.
 */
export function parseMessage(message: string): StoredEvent | undefined {
  const prevEnd = message.indexOf(' ')
  const idEnd = message.indexOf(' ', prevEnd + 1)
  if (prevEnd < 0 || idEnd < 0) return undefined
  const [prev, id] = [message.slice(0, prevEnd), message.slice(prevEnd + 1, idEnd)]
  return areAscending([prev, id]) ? { prev, id, data: message.slice(idEnd + 1) } : undefined
}
