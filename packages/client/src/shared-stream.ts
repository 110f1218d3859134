import { type CallLine, createCarried } from './carried.ts'
import { createControl } from './control.ts'
import type { SubscriptionFrame } from './frames.ts'
import type { Lines } from './lines.ts'
import { readMultiplexedMessage } from './multiplexed.ts'
import { type Endpoint, writeMultiplexedRequest } from './request.ts'
import type { SetOptions } from './set.ts'
import type { StreamState } from './state.ts'
import { openStream, type Stream } from './stream.ts'

/** The stream of all lines of a set: there while there is a line. */
export interface SharedStream extends Pick<Stream, 'advanced' | 'askedWaitMs'> {
  /** What is wanted may have changed. Starts and stops of one tick travel together. */
  changed(): void
  /** The server has ended a line. */
  forget(line: CallLine): void
}

/** Answers by which a server says that it doesn't know `POST ~sse`. */
const unknownStatuses: readonly unknown[] = [404, 405, 415]

/** Creates the stream of a set, and opens it at the first change. */
export function createSharedStream(options: SetOptions, lines: Lines<CallLine>): SharedStream {
  let stream: Stream | undefined
  let isScheduled = false
  const wanted = (): Set<CallLine> => new Set([...lines].filter((line) => !line.isResting()))
  const carried = createCarried(wanted)
  const endpoint = (): Promise<Endpoint> => endpointFor(options, lines)
  const control = createControl({
    ...options,
    ...carried,
    timeoutMs: options.connectTimeoutMs,
    endpoint,
    onFailed: () => stream?.reopen(),
  })

  const open = (): Stream =>
    openStream({
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
      onEnded(state) {
        stream = undefined
        for (const of of carried.clear()) control.drop(of)
        endAll(options, [...lines], state)
      },
    })

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

  function apply(): void {
    isScheduled = false
    if (lines.size() === 0) stream?.close()
    else if (!stream) stream = open()
    else control.changed()
    letGo()
  }

  return {
    changed() {
      if (!isScheduled) queueMicrotask(apply)
      isScheduled = true
    },
    forget: carried.forget,
    advanced: (on) => stream?.advanced(on),
    askedWaitMs: () => stream?.askedWaitMs() ?? 0,
  }
}

async function endpointFor(options: SetOptions, lines: Iterable<CallLine>): Promise<Endpoint> {
  const [first, ...others] = Array.from(lines, ({ call }) => call.op)
  if (!first) throw new Error('Nothing is wanted.')
  return options.endpoint([first, ...others])
}

/** Ends all lines with the stream's error; where the server doesn't know the mode, sends them on their own ways. */
function endAll(
  options: SetOptions,
  lines: readonly CallLine[],
  { error, status = 0, everOpen }: StreamState,
): void {
  const isUnknown = !everOpen && unknownStatuses.includes(status)
  if (isUnknown) options.onUnknown(status)
  for (const line of lines) {
    const lastEventId = line.feed.lastEventId()
    if (isUnknown) for (const member of line.dissolve()) member.goAlone(lastEventId)
    else line.fail(error)
  }
}
