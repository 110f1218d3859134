import type { Operation } from '@trpc/client'
import { type CallLine, createCarried } from './carried.ts'
import { createControl } from './control.ts'
import { createEntry, type Member } from './entry.ts'
import type { SubscriptionFrame } from './frames.ts'
import { createLines } from './lines.ts'
import { readMultiplexedMessage } from './multiplexed.ts'
import type { Positions } from './positions.ts'
import { type Endpoint, type Wanted, writeMultiplexedRequest } from './request.ts'
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

/** Answers by which a server says that it doesn't know `POST ~sse`. */
const unknownStatuses: readonly unknown[] = [404, 405, 415]

/** Creates an empty set. It has a stream while something is wanted. */
export function createSet(options: SetOptions): SubscriptionSet {
  const lines = createLines<CallLine>()
  const carried = createCarried(() => wanted())
  let stream: Stream | undefined
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
    differs: carried.differs,
    write: carried.write,
    isDone: carried.isDone,
    onFailed: () => stream?.reopen(),
  })

  function open(): Stream {
    return openStream({
      ...options,
      endpoint,
      write: (to, of) => writeMultiplexedRequest(to, carried.write(of)),
      read: readMultiplexedMessage,
      onOpen(of, connectionId) {
        carried.opened(of, connectionId)
        control.use(of)
        letGo()
      },
      onFrame,
      onLost(of, error) {
        carried.drop(of)
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
    carried.get(of, frame.key)?.feed.receive(frame, of)
    if (frame.type !== 'started') return
    control.started()
    letGo()
  }

  /** Lets the stream before go, once nothing runs on it any more. */
  function letGo(): void {
    if (carried.hasMoved(lines)) stream?.taken()
  }

  function onEnded({ error, status = 0, everOpen }: StreamState): void {
    stream = undefined
    for (const of of carried.clear()) control.drop(of)
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
        carried.forget(line)
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
