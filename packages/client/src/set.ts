import type { Operation } from '@trpc/client'
import { createControl } from './control.ts'
import { createEntry, type Member } from './entry.ts'
import type { SubscriptionFrame } from './frames.ts'
import { createKeyTable, type KeyTable } from './keys.ts'
import { createLines, type Line } from './lines.ts'
import { readMultiplexedMessage, writeMultiplexedBody } from './multiplexed.ts'
import type { Positions } from './positions.ts'
import { type Endpoint, type HttpRequest, type Wanted, writeMultiplexedRequest } from './request.ts'
import type { ReadErrorBody } from './response.ts'
import type { StreamState } from './state.ts'
import { openStream, type Stream, type StreamSettings } from './stream.ts'

/** A subscription that the app wants. */
export interface WantedCall extends Wanted {
  readonly op: Operation
}

/** What a set runs on. */
export interface SetOptions extends StreamSettings {
  readonly lingerMs: number
  readonly positions: Positions
  readonly endpoint: (opList: [Operation, ...Operation[]]) => Promise<Endpoint>
  readonly readErrorBody: ReadErrorBody
  /** The server doesn't know this mode. Called before all members are sent on their own ways. */
  readonly onUnknown: (status: number) => void
}

/** All subscriptions of a link, on one stream. */
export interface SubscriptionSet {
  /**
   * Adds a subscription; returns what takes it away. It runs as if it were alone, and is one on the wire with
   * those of the same path and input that stand at the same place.
   */
  join(call: WantedCall, member: Member): () => void
}

/** An entry, and what it is on the wire. */
interface CallLine extends Line {
  readonly call: WantedCall
}

/** Answers by which a server says that it doesn't know `POST ~sse`. */
const unknownStatuses: readonly unknown[] = [404, 405, 415]

/** Creates an empty set. It has a stream while something is wanted. */
export function createSet(options: SetOptions): SubscriptionSet {
  const lines = createLines<CallLine>()
  const tables = new Map<number, KeyTable<CallLine>>()
  const connectionIds = new Map<number, string | undefined>()
  let stream: Stream | undefined
  let revision = 0
  let isScheduled = false

  async function endpoint(): Promise<Endpoint> {
    const [first, ...others] = Array.from(lines, ({ call }) => call.op)
    if (!first) throw new Error('Nothing is wanted.')
    return options.endpoint([first, ...others])
  }

  const wanted = (): Set<CallLine> => new Set([...lines].filter((line) => !line.isResting()))

  const control = createControl({
    ...options,
    timeoutMs: options.connectTimeoutMs,
    endpoint,
    differs: (of) => tables.get(of)?.differs(wanted()) ?? false,
    write: (of) => writeBody(of, connectionIds.get(of)),
    isDone: (of) => [...(tables.get(of)?.keys.values() ?? [])].every((line) => line.feed.source() === of),
    onFailed: () => stream?.reopen(),
  })

  /** Makes the set of a stream what is wanted now, and writes that down. */
  function writeBody(of: number, connectionId?: string): string {
    const table = tables.get(of) ?? createKeyTable<CallLine>(({ identity }) => identity)
    tables.set(of, table)
    for (const { feed } of table.update(wanted())) feed.requested(of)
    const calls = Array.from(
      table.keys,
      ([key, { call, feed }]) => [key, { ...call, lastEventId: feed.lastEventId() }] as const,
    )
    return writeMultiplexedBody(++revision, connectionId, calls)
  }

  const write = (to: Endpoint, of: number): HttpRequest => writeMultiplexedRequest(to, writeBody(of))

  function open(): Stream {
    return openStream({
      ...options,
      endpoint,
      write,
      read: readMultiplexedMessage,
      onOpen(of, connectionId) {
        connectionIds.set(of, connectionId)
        control.use(of)
        letGo()
      },
      onFrame,
      onLost(of, error) {
        tables.delete(of)
        connectionIds.delete(of)
        control.drop(of)
        for (const { feed } of lines) feed.lost(of, error)
        return undefined
      },
      onRefused(error) {
        control.resume()
        for (const line of wanted()) if (line.feed.source() === undefined) line.fail(error)
      },
      onEnded,
    })
  }

  function onFrame(frame: SubscriptionFrame, of: number): undefined {
    tables.get(of)?.get(frame.key)?.feed.receive(frame, of)
    if (frame.type !== 'started') return
    control.started()
    letGo()
  }

  /** Lets the stream before go, once nothing runs on it any more. */
  function letGo(): void {
    if (tables.size < 2) return
    const newest = Math.max(...tables.keys())
    const isNeeded = [...lines].some(({ feed }) => (feed.source() ?? newest) !== newest)
    if (connectionIds.has(newest) && !isNeeded) stream?.taken()
  }

  function onEnded({ error, status = 0, everOpen }: StreamState): void {
    stream = undefined
    for (const of of tables.keys()) control.drop(of)
    tables.clear()
    connectionIds.clear()
    const all = [...lines]
    const isUnknown = !everOpen && unknownStatuses.includes(status)
    if (isUnknown) options.onUnknown(status)
    for (const line of all) {
      const lastEventId = line.feed.lastEventId()
      if (isUnknown) for (const member of line.dissolve()) member.goAlone(lastEventId)
      else line.fail(error)
    }
  }

  /** Starts and stops of one tick travel together. */
  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    queueMicrotask(() => {
      isScheduled = false
      if (lines.size() === 0) stream?.close()
      else if (!stream) stream = open()
      else control.changed()
      letGo()
    })
  }

  function remove(line: CallLine): void {
    lines.delete(line)
    if (lines.like(line.identity).length === 0) options.positions.save(line.identity, undefined)
    schedule()
  }

  function add(identity: string, call: WantedCall): CallLine {
    const { positions } = options
    const isAlone = lines.like(identity).length === 0
    const entry = createEntry({
      ...options,
      lastEventId: call.lastEventId ?? (isAlone ? positions.load(identity) : undefined),
      onMove() {
        positions.save(identity, line.feed.lastEventId())
        lines.merge(line)
      },
      onAdvanced: (on) => stream?.advanced(on),
      askedWaitMs: () => stream?.askedWaitMs() ?? 0,
      onEnded() {
        for (const table of tables.values()) table.forget(line)
        schedule()
      },
      onRetry: schedule,
      onOver: () => remove(line),
    })
    const line: CallLine = { ...entry, identity, call }
    lines.add(line)
    return line
  }

  return {
    join(call, member) {
      const identity = JSON.stringify([call.path, call.inputJson])
      const line = lines.like(identity).find((one) => canShare(one, call)) ?? add(identity, call)
      line.join(member)
      schedule()
      return () => {
        for (const one of lines.like(identity)) one.leave(member)
      }
    },
  }
}

/** Whether a subscription would get exactly what the line gets from now on. */
function canShare({ call, feed, isFresh }: CallLine, { lastEventId }: WantedCall): boolean {
  if (isFresh() && call.lastEventId === lastEventId) return true
  return lastEventId !== undefined && lastEventId === feed.lastEventId()
}
