import type { StreamState } from '../stream/state.ts'
import { openStream, type Stream } from '../stream/stream.ts'
import { readMultiplexedMessage } from '../wire/multiplexed.ts'
import type { Endpoint } from '../wire/request.ts'
import { createSetCarrier, type SetCarrier } from './multiplexed-connection.ts'
import type { SetOptions, WantedCall } from './set.ts'
import type { Entry } from './shared-subscription.ts'

/** An entry of a set, and what it is on the wire. */
export interface CallLine extends Entry {
  /** The same for all that are the same subscription. */
  readonly identity: string
  readonly call: WantedCall
}

/** The stream of all lines of a set: there while there is a line. */
export interface SharedStream extends Pick<Stream, 'askedWaitMs'> {
  /** What is wanted may have changed. Starts and stops of one tick travel together. */
  changed(): void
  /** The server has ended a line. */
  forget(line: CallLine): void
}

/** Answers by which a server says that it doesn't know `POST ~sse`. */
const unknownStatuses: readonly unknown[] = [404, 405, 415]

/** Creates the stream of a set, and opens it at the first change. */
export function createSharedStream(
  options: SetOptions,
  lines: ReadonlySet<CallLine>,
): SharedStream {
  const carriers = new Set<SetCarrier>()
  let stream: Stream | undefined
  // What was asked for last: a refusal is the answer to that.
  let asked: SetCarrier | undefined
  let isScheduled = false
  const wanted = (): Set<CallLine> => new Set([...lines].filter((line) => !line.isResting()))

  async function endpoint(): Promise<Endpoint> {
    const [first, ...others] = Array.from(lines, ({ call }) => call.op)
    if (!first) throw new Error('Nothing is wanted.')
    return options.endpoint([first, ...others])
  }

  function carry(progressed: () => void): SetCarrier {
    const carrier = createSetCarrier({
      ...options,
      progressed,
      endpoint,
      wanted,
      onStarted: letGo,
      onLost(error) {
        carriers.delete(carrier)
        for (const line of [...lines]) line.feed.lost(carrier, ownError(line, error))
      },
      onFailed: () => stream?.reopen(),
    })
    carriers.add(carrier)
    asked = carrier
    return carrier
  }

  /** What a refusal of the whole set says to one line. */
  function ownError(line: CallLine, error: unknown): unknown {
    const key = error === undefined ? undefined : asked?.keyOf(line)
    return key === undefined ? error : options.readOwnError(error, key)
  }

  /** Lets the connection before go, once nothing runs on it any more. */
  function letGo(): void {
    const newest = [...carriers].at(-1)
    if (carriers.size < 2 || !newest?.isInControl()) return
    for (const other of carriers) if (other !== newest) other.retire()
    if ([...lines].every(({ feed }) => (feed.source() ?? newest) === newest)) stream?.taken()
  }

  function onRefused(error: unknown): void {
    for (const carrier of carriers) carrier.resume()
    for (const line of wanted())
      if (line.feed.source() === undefined) line.fail(ownError(line, error))
  }

  function onEnded(state: StreamState): void {
    stream = undefined
    for (const carrier of carriers) carrier.retire()
    carriers.clear()
    endAll(options, [...lines], state, ownError)
  }

  function apply(): void {
    isScheduled = false
    if (lines.size === 0) stream?.close()
    else if (stream) for (const carrier of carriers) carrier.changed()
    else
      stream = openStream({
        ...options,
        endpoint,
        carry,
        read: readMultiplexedMessage,
        onRefused,
        onEnded,
      })
    letGo()
  }

  function changed(): void {
    if (!isScheduled) queueMicrotask(apply)
    isScheduled = true
  }

  return {
    changed,
    forget(line) {
      for (const carrier of carriers) carrier.forget(line)
      changed()
    },
    askedWaitMs: () => stream?.askedWaitMs() ?? 0,
  }
}

/** Ends all lines with the stream's error; where the server doesn't know the mode, sends them on their own ways. */
function endAll(
  options: SetOptions,
  lines: readonly CallLine[],
  { error, status = 0, everOpen }: StreamState,
  ownError: (line: CallLine, error: unknown) => unknown,
): void {
  // One that names a clause of the protocol knows this mode, and says what is wrong with the request.
  const isUnknown = !everOpen && unknownStatuses.includes(status) && !/\bP46\b/.test(String(error))
  if (isUnknown) options.onUnknown(status)
  for (const line of lines) {
    const lastEventId = line.feed.lastEventId()
    if (isUnknown) for (const member of line.dissolve()) member.goAlone(lastEventId)
    else line.fail(ownError(line, error))
  }
}
