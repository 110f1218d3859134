import { askedWaitMs } from '../stream/retry-policy.ts'
import { send, within } from '../transport/attempt.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import { createKeyTable } from '../wire/keys.ts'
import { writeMultiplexedBody } from '../wire/multiplexed.ts'
import {
  credentialsOf,
  type Endpoint,
  type HttpRequest,
  writeMultiplexedRequest,
} from '../wire/request.ts'
import type { ConnectionOwner, SetConnection } from './set-connection.ts'
import type { SharedSubscription } from './shared-subscription.ts'

/**
 * A connection in multiplexed mode: its set, and the control requests that adapt the set to the
 * wanted subscriptions.
 */
export class MultiplexedConnection implements SetConnection {
  readonly #owner: ConnectionOwner
  readonly #table = createKeyTable<SharedSubscription>(({ identity }) => identity)
  #revision = 0
  #connectionId: string | undefined
  #credentials: string | undefined
  #isInControl = false
  #request: AbortController | undefined
  #isHeldBack = false
  #cancelTimer = (): void => {}

  constructor(owner: ConnectionOwner) {
    this.#owner = owner
  }

  write(endpoint: Endpoint, maxDurationMs?: number): HttpRequest {
    this.#checkCredentials(endpoint)
    const requested = this.#table.update(this.#owner.wanted(), ++this.#revision)
    for (const { handover } of requested) handover.requested(this)
    const calls = Array.from(
      this.#table.entries(),
      ([key, { call, handover }]) =>
        [key, { ...call, lastEventId: handover.lastEventId() }] as const,
    )
    const head = {
      revision: this.#revision,
      connectionId: this.#connectionId,
      replaces: this.#connectionId === undefined ? this.#owner.lostId : undefined,
      maxDurationMs,
    }
    return writeMultiplexedRequest(endpoint, writeMultiplexedBody(head, calls))
  }

  opened(connectionId: string | undefined): void {
    this.#connectionId = connectionId
    this.#isInControl = true
    this.#owner.closePrevious()
    this.changed()
  }

  receive(frame: SubscriptionFrame): boolean {
    const hasStarted = frame.type === 'started'
    const hasMoved = this.#table.receive(frame.key, hasStarted)?.handover.receive(frame, this)
    if (hasStarted) {
      if (this.#hasStarted()) this.#cancelTimer()
      this.#owner.closePrevious()
    }
    return hasMoved ?? false
  }

  lost(error: unknown): void {
    this.retire()
    this.#owner.lostId = this.#connectionId ?? this.#owner.lostId
    this.#owner.lost(this, error)
  }

  isInControl(): boolean {
    return this.#isInControl
  }

  /**
   * Sends control requests one at a time, each with everything that is wanted at that moment. Leaves
   * changes to a newer connection: whichever is asked last for a subscription is the one to run it.
   */
  changed(): void {
    if (!this.#isInControl || this.#request || this.#isHeldBack) return
    if (!this.#owner.isNewest(this)) return
    if (!this.#table.differs(this.#owner.wanted())) return
    if (this.#owner.options.clock.rare?.('new stream')) this.#fail()
    else void this.#control()
  }

  keyOf(subscription: SharedSubscription): string | undefined {
    for (const [key, one] of this.#table.entries()) if (one === subscription) return key
    return undefined
  }

  forget(subscription: SharedSubscription): void {
    this.#table.forget(subscription)
  }

  resume(): void {
    this.#table.doubt()
    this.#isInControl = true
  }

  retire(): void {
    this.#isInControl = false
    this.#cancelTimer()
    this.#request?.abort()
  }

  /**
   * Subscriptions run with the credentials of the request that opened the stream. If one has failed
   * and the credentials have changed since, a fresh token may be the fix: open a new stream.
   */
  #checkCredentials(endpoint: Endpoint): void {
    const credentials = credentialsOf(endpoint)
    if (this.#connectionId === undefined) this.#credentials = credentials
    else if (credentials !== this.#credentials && [...this.#owner.wanted()].some(mayBeRefused))
      throw new Error('The credentials have changed.')
  }

  #hasStarted(): boolean {
    return [...this.#table.entries()].every(([, { handover }]) => handover.connection() === this)
  }

  async #control(): Promise<void> {
    const { clock, connectTimeoutMs } = this.#owner.options
    this.#request = new AbortController()
    // Whatever fails, a new stream is always correct.
    const answer = await within(clock, connectTimeoutMs, this.#request, (signal) =>
      this.#post(signal),
    ).catch(() => undefined)
    this.#request = undefined
    if (answer === undefined) return this.#fail()
    if (!this.#isInControl) return
    this.#cancelTimer()
    if (answer > 0) return this.#holdBack(answer)
    if (!this.#hasStarted()) this.#cancelTimer = clock.after(connectTimeoutMs, () => this.#fail())
    this.changed()
  }

  /**
   * The stream changes too often, and refused this set. Sends the wanted set once the wait is over.
   */
  #holdBack(waitMs: number): void {
    this.#table.doubt()
    this.#isHeldBack = true
    this.#cancelTimer = this.#owner.options.clock.after(waitMs, () => {
      this.#isHeldBack = false
      void this.#control()
    })
  }

  /**
   * Sends the newest set. Resolves with 0 if the stream has accepted it, or with the requested wait
   * in milliseconds.
   */
  async #post(signal: AbortSignal): Promise<number | undefined> {
    const response = await send(
      this.#owner.options.fetch,
      () => this.#owner.endpoint(),
      (endpoint) => this.write(endpoint),
      signal,
    )
    await response.text()
    if (response.status === 200) return 0
    const retryAfter = response.headers.get('retry-after')
    return response.status === 429 && retryAfter !== null
      ? askedWaitMs(this.#owner.options.clock, retryAfter)
      : undefined
  }

  #fail(): void {
    if (!this.#isInControl) return
    this.#isInControl = false
    this.#owner.handOver()
  }
}

function mayBeRefused({ call, handover }: SharedSubscription): boolean {
  return call.hasFailed && handover.connection() === undefined
}
