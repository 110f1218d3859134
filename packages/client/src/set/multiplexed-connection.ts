import type { Clock } from '@trpc-sse/protocol'
import { askedWaitMs } from '../stream/retry.ts'
import type { Carrier } from '../stream/stream.ts'
import { type RequestOptions, send, within } from '../transport/attempt.ts'
import { createKeyTable } from '../wire/keys.ts'
import { writeMultiplexedBody } from '../wire/multiplexed.ts'
import {
  credentialsOf,
  type Endpoint,
  type HttpRequest,
  writeMultiplexedRequest,
} from '../wire/request.ts'
import type { CallLine } from './shared-stream.ts'

/** The set that a connection is for, and whom it tells. */
export interface SetCarrierOptions extends RequestOptions {
  readonly clock: Clock
  /** How long a control request may take, and how long what it has asked for, in milliseconds. */
  readonly connectTimeoutMs: number
  readonly wanted: () => ReadonlySet<CallLine>
  /** A subscription has got further on it. */
  readonly progressed: () => void
  /** It is open, or something has started on it. */
  readonly onStarted: () => void
  readonly onLost: (error: unknown) => void
  /** It can't be relied on to have the set. Called once, until {@link SetCarrier.resume}. */
  readonly onFailed: () => void
}

/** One connection of a set: what it was asked for, and the control requests that make it what is wanted. */
export interface SetCarrier extends Carrier {
  /** Whether it is open, and control requests are made for it. */
  isInControl(): boolean
  /** What is wanted may have changed. Control requests go one at a time, each with all that is wanted then. */
  changed(): void
  /** The key that it has asked for a line with. */
  keyOf(line: CallLine): string | undefined
  /** Forgets what the server has ended. */
  forget(line: CallLine): void
  /** It goes on, in spite of what failed. */
  resume(): void
  /** Makes no more requests: there is a newer one. */
  retire(): void
}

/** Creates what a set does with one more connection. */
export function createSetCarrier(options: SetCarrierOptions): SetCarrier {
  const { clock, connectTimeoutMs, wanted } = options
  const table = createKeyTable<CallLine>(({ identity }) => identity)
  let revision = 0
  let connectionId: string | undefined
  let credentials: string | undefined
  let isInControl = false
  let request: AbortController | undefined
  let isHeldBack = false
  let cancelTimer = (): void => {}

  /**
   * Subscriptions run as the client that has opened the stream. One that has failed may need what the client says by now:
   * a new token, for example. Then this stream won't do.
   */
  function checkCredentials(endpoint: Endpoint): void {
    const given = credentialsOf(endpoint)
    if (connectionId === undefined) credentials = given
    const mayBeRefused = [...wanted()].some(
      ({ call, feed }) => call.hasFailed && feed.source() === undefined,
    )
    if (given !== credentials && mayBeRefused)
      throw new Error('The stream was opened with other credentials.')
  }

  function write(endpoint: Endpoint, maxDurationMs?: number): HttpRequest {
    checkCredentials(endpoint)
    for (const { feed } of table.update(wanted(), ++revision)) feed.requested(carrier)
    const calls = Array.from(
      table.entries(),
      ([key, { call, feed }]) => [key, { ...call, lastEventId: feed.lastEventId() }] as const,
    )
    return writeMultiplexedRequest(
      endpoint,
      writeMultiplexedBody({ revision, connectionId, maxDurationMs }, calls),
    )
  }

  const hasStarted = (): boolean =>
    [...table.entries()].every(([, { feed }]) => feed.source() === carrier)

  function fail(): void {
    if (!isInControl) return
    isInControl = false
    options.onFailed()
  }

  function changed(): void {
    if (isInControl && !request && !isHeldBack && table.differs(wanted())) void control()
  }

  async function control(): Promise<void> {
    request = new AbortController()
    // Whatever fails: a new stream is always right.
    const answer = await within(clock, connectTimeoutMs, request, post).catch(() => undefined)
    request = undefined
    if (answer === undefined) return fail()
    if (!isInControl) return
    cancelTimer()
    if (answer > 0) return holdBack(answer)
    if (!hasStarted()) cancelTimer = clock.after(connectTimeoutMs, fail)
    changed()
  }

  /** The stream changes too often. It has not the set that it was asked for; it gets the one that is wanted then. */
  function holdBack(waitMs: number): void {
    table.doubt()
    isHeldBack = true
    cancelTimer = clock.after(waitMs, () => {
      isHeldBack = false
      void control()
    })
  }

  /** Sends the newest set. Resolves to 0 if the stream has it, to a time in milliseconds if it has to wait so long, else to nothing. */
  async function post(signal: AbortSignal): Promise<number | undefined> {
    const response = await send(options, write, signal)
    await response.text()
    if (response.status === 200) return 0
    const retryAfter = response.headers.get('retry-after')
    return response.status === 429 && retryAfter !== null
      ? askedWaitMs(clock, retryAfter)
      : undefined
  }

  function retire(): void {
    isInControl = false
    cancelTimer()
    request?.abort()
  }

  const carrier: SetCarrier = {
    write,
    opened(id) {
      connectionId = id
      isInControl = true
      options.onStarted()
      changed()
    },
    receive(frame) {
      table.receive(frame.key, frame.type === 'started')?.feed.receive(frame, carrier)
      if (frame.type !== 'started') return undefined
      if (hasStarted()) cancelTimer()
      options.onStarted()
      return undefined
    },
    lost(error) {
      retire()
      options.onLost(error)
      return undefined
    },
    progressed: options.progressed,
    isInControl: () => isInControl,
    changed,
    keyOf(line) {
      for (const [key, one] of table.entries()) if (one === line) return key
      return undefined
    },
    forget: table.forget,
    resume() {
      table.doubt()
      isInControl = true
    },
    retire,
  }
  return carrier
}
