import {
  type AppendResult,
  compareEventIds,
  type EventId,
  isEventId,
  type LogPage,
  type ReadRange,
  RealtimeError,
  type StoredEvent,
} from '@trpc-sse/server'
import type { AppendGroup } from '../append-queue.ts'

// What Redis says is checked as what a client says is: anybody may have written to its keys.

/** The result of each append of a group; `undefined` if it can't be known any more whether they were stored. */
export type AppendAnswer = readonly AppendResult[] | undefined

/** What an append script answers: what is wrong with notifying, and the result of each group. */
export interface AppendAnswers {
  readonly untold: string
  readonly groups: readonly AppendAnswer[]
}

/** Reads the answer to an append of groups with these tokens. Throws if it is none. */
export function parseAppendAnswers(
  answer: unknown,
  groups: readonly AppendGroup[],
  tokens: readonly string[],
): AppendAnswers {
  if (!Array.isArray(answer) || answer.length !== groups.length + 1)
    throw garbled('an append', answer)
  const [untold, ...answers] = answer as readonly unknown[]
  if (typeof untold !== 'string') throw garbled('an append', untold)
  return {
    untold,
    groups: groups.map((group, i) => parseGroup(answers[i], group, tokens[i] ?? '')),
  }
}

function parseGroup(answer: unknown, group: AppendGroup, token: string): AppendAnswer {
  if (answer === null || answer === undefined) return undefined
  if (typeof answer !== 'string') throw garbled('an append', answer)
  const [storedBy, ...ids] = answer.split(' ')
  const isDuplicate = storedBy !== token
  const count = group.reduce((sum, { payloads }) => sum + payloads.length, 0)
  if (isDuplicate ? ids.length === 0 : ids.length !== count) throw garbled('an append', answer)
  if (!areAdvancing(ids)) throw garbled('an append', answer)
  // Only an append with an idempotency key can be one, and it is alone in its group.
  if (isDuplicate) return [{ ids, duplicate: true }]
  let start = 0
  return group.map(({ payloads }) => {
    const end = start + payloads.length
    const result = { ids: ids.slice(start, end), duplicate: false }
    start = end
    return result
  })
}

/** Reads the answer to a read of a range: the last id, two marks, and three fields for each event. Throws if it is none. */
export function parsePage(answer: unknown, range: ReadRange): LogPage {
  if (!isTexts(answer) || answer.length < 3 || answer.length % 3 !== 0)
    throw garbled('a read', answer)
  const [lastEventId = '', cleared = '', trimmed = ''] = answer
  if (!isEventId(lastEventId)) throw garbled('a read', lastEventId)
  if (cleared !== '' && !isEventId(cleared)) throw garbled('a read', cleared)
  const events: StoredEvent[] = []
  for (let i = 3; i < answer.length; i += 3)
    events.push(toEvent(answer[i], answer[i + 1], answer[i + 2]))
  checkEvents(events, range, lastEventId)
  return {
    events,
    lastEventId,
    ...(trimmed !== '' && { trimmed: true }),
    ...(cleared !== '' && { cleared }),
  }
}

/** What somebody else has written to the stream has no payload of ours, and follows nothing. */
function toEvent(id = '', prev = '', data = ''): StoredEvent {
  return isEventId(prev) ? { id, prev, data } : { id, prev: '', data: '' }
}

/** A page that doesn't lead on would be read for ever. */
function checkEvents(events: readonly StoredEvent[], range: ReadRange, lastEventId: EventId): void {
  const ids = events.map(({ id }) => id)
  const from = 'after' in range ? [range.after] : []
  if (ids.length > Math.max(0, range.limit)) throw garbled('a read', `${ids.length} events`)
  if (!areAdvancing(from.concat(ids)))
    throw garbled('a read', `ids that don't rise: ${ids.join(' ')}`)
  const newest = events.findLast(({ prev }) => prev !== '')
  if (newest !== undefined && compareEventIds(newest.id, lastEventId) > 0)
    throw garbled('a read', `${lastEventId} as the last id of a log that goes on to ${newest.id}`)
}

/** Reads what the append script published: `<prev> <id> <payload>`; nothing, if it is something else. */
export function parseMessage(message: string): StoredEvent | undefined {
  const prevEnd = message.indexOf(' ')
  const idEnd = message.indexOf(' ', prevEnd + 1)
  if (prevEnd < 0 || idEnd < 0) return undefined
  const [prev, id] = [message.slice(0, prevEnd), message.slice(prevEnd + 1, idEnd)]
  return areAdvancing([prev, id]) ? { prev, id, data: message.slice(idEnd + 1) } : undefined
}

function areAdvancing(ids: readonly string[]): boolean {
  return ids.every((id, i) => {
    const before = ids[i - 1]
    return isEventId(id) && (before === undefined || compareEventIds(before, id) < 0)
  })
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The error for an answer that no script of ours gives, for a log that only they have written to. */
function garbled(what: string, answer: unknown): RealtimeError {
  const start = (JSON.stringify(answer) ?? String(answer)).slice(0, 120)
  const message = `Redis answered ${what} with what can't be: ${start}. Something else has written to the keys of this log: restore or delete them. It is tried again.`
  return new RealtimeError('BACKEND_UNAVAILABLE', message)
}
