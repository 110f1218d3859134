import type { Operation } from '@trpc/client'
import {
  type Clock,
  encode,
  isRealtimeError,
  type RealtimeError,
  type WantedSubscription,
} from '@trpc-sse/protocol'
import type { Codec, Member } from '../set/member.ts'
import type { SubscriptionSet } from '../set/set.ts'
import type { TabChannel, TabsEnvironment } from './environment.ts'
import {
  type FollowerMessage,
  type LeaderMessage,
  readFollowerMessage,
  readSubscriptions,
} from './messages.ts'
import { writeFrame } from './write.ts'

/** The options of a follower session. */
export interface FollowerSessionOptions {
  readonly clock: Clock
  readonly environment: TabsEnvironment
  readonly codec: Codec
  /** The leader's set, with the subscriptions of all followers. */
  readonly set: SubscriptionSet
  readonly leader: string
  /** The name of the follower's stream. */
  readonly name: string
  /** The follower is gone, or was disconnected. */
  readonly onOver: () => void
}

type Answer = DistributiveOmit<LeaderMessage, 'leader'>
type DistributiveOmit<T, TKey extends PropertyKey> = T extends unknown ? Omit<T, TKey> : never

/**
 * A follower with this many unread characters counts as frozen. It is disconnected, and reconnects
 * when it can.
 */
const maxUnread = 4_194_304

/**
 * How long the subscriptions of an interrupted follower are kept, in milliseconds. The follower
 * requests them again at once. Until then, the stream must not end, because it holds the wait that
 * the server requested.
 */
const limboMs = 1_000

/**
 * The leader's side of a follower. The follower's subscriptions become members of the leader's set.
 * Frames that these members receive are written to the follower.
 */
export class FollowerSession {
  readonly #options: FollowerSessionOptions
  readonly #channel: TabChannel
  readonly #watching = new AbortController()
  /** Functions that remove each subscription from the set, by the follower's key. */
  readonly #leaves = new Map<string, () => void>()
  #isOpen = false
  #isOver = false
  #isDelayed = false
  #unsent = ''
  /** The number of texts that were sent. */
  #texts = 0
  #unread = 0

  constructor(options: FollowerSessionOptions) {
    this.#options = options
    const { environment, name } = options
    this.#channel = environment.openChannel(name, (message) => {
      const known = this.#isOver ? undefined : readFollowerMessage(message)
      if (known) this.#receive(known)
    })
    // The follower holds this lock for as long as it exists.
    environment
      .requestLock(name, { signal: this.#watching.signal }, async () => this.#finish())
      .catch(() => {})
  }

  /** Replaces the follower's subscriptions by those of the request. */
  apply(body: string): void {
    const subscriptions = readSubscriptions(body)
    if (!subscriptions) return
    for (const key of this.#leaves.keys()) if (!subscriptions.has(key)) this.#leave(key)
    for (const [key, wanted] of subscriptions) {
      if (this.#leaves.has(key)) continue
      this.#leaves.set(key, this.#options.set.join(callOf(wanted), this.#memberOf(key)))
    }
  }

  /** Confirms to the follower that it is served. */
  greet(): void {
    this.#post({ type: 'here' })
  }

  /** The server knows multiplexed mode: the follower's stream can begin. */
  open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const data = JSON.stringify({ connectionId: this.#options.name })
    this.#unsent = encode({ event: '$connected', data }) + this.#unsent
    this.#flush()
  }

  /** The leader resigns. */
  close(): void {
    if (!this.#isOver) this.#post({ type: 'handover' })
    this.#finish()
  }

  #post(message: Answer): void {
    this.#channel.post({ ...message, leader: this.#options.leader })
  }

  #receive(message: FollowerMessage): void {
    if (message.type === 'probe') this.greet()
    else if (message.type === 'read') this.#unread = Math.max(0, this.#unread - message.length)
    else this.apply(message.body)
  }

  /** Leaves the set first, because the key is known only until then. */
  #leave(key: string): void {
    this.#leaves.get(key)?.()
    this.#leaves.delete(key)
  }

  #finish(): void {
    this.#isOver = true
    this.#watching.abort()
    this.#channel.close()
    for (const key of [...this.#leaves.keys()]) this.#leave(key)
    this.#options.onOver()
  }

  /** Notifies the follower, once for all of its subscriptions. */
  #delay(error: unknown): void {
    if (this.#isDelayed || this.#isOver) return
    this.#isDelayed = true
    queueMicrotask(() => {
      this.#isDelayed = false
      if (!this.#isOver) this.#post(failed('delayed', error))
    })
  }

  /** Ends the follower's stream. */
  #end(message: Answer): void {
    if (this.#isOver) return
    this.#flush()
    this.#isOver = true
    this.#watching.abort()
    this.#post(message)
    this.#options.clock.after(limboMs, () => this.#finish())
  }

  /** Sends all text of one turn as one message. */
  #write(text: string): void {
    if (this.#unsent === '') queueMicrotask(() => this.#flush())
    this.#unsent += text
  }

  #flush(): void {
    if (!this.#isOpen || this.#isOver || this.#unsent === '') return
    const text = this.#unsent
    this.#unsent = ''
    this.#unread += text.length
    this.#post({ type: 'text', number: ++this.#texts, text })
    if (this.#unread > maxUnread) this.#end({ type: 'handover' })
  }

  #memberOf(key: string): Member {
    const { codec } = this.#options
    let isRunning = false
    let hasEnded = false
    return {
      receive: (frame) => {
        this.#write(writeFrame(key, frame))
        if (frame.type !== 'error' && frame.type !== 'stopped') return undefined
        hasEnded = true
        this.#leaves.get(key)?.()
        // The end was already sent; only the follower decides whether to retry.
        return frame.type === 'error' ? codec.error(frame.error) : { type: 'end' }
      },
      started: (lastEventId, live) => {
        isRunning = true
        this.#write(writeFrame(key, { type: 'started', key, id: lastEventId, live }))
      },
      connecting: (error) => {
        if (hasEnded) return
        if (isRunning)
          this.#end(error === undefined ? { type: 'handover' } : failed('failed', error))
        else if (error !== undefined) this.#delay(error)
      },
      failed: (error) => {
        if (hasEnded) return
        hasEnded = true
        this.open()
        const shape = shapeOf(error)
        if (!shape) return this.#end(failed('failed', error))
        const serialized = codec.serialize(shape)
        this.#write(writeFrame(key, { type: 'error', key, error: serialized, id: undefined }))
      },
      single: () => this.#end({ type: 'unknown' }),
    }
  }
}

function callOf({
  path,
  input,
  lastEventId,
}: WantedSubscription): Parameters<SubscriptionSet['join']>[0] {
  // JSON.stringify(undefined) is undefined.
  const inputJson: string | undefined = JSON.stringify(input)
  // The real operation is in the follower's tab.
  const op: Operation = { id: 0, type: 'subscription', path, input, context: {}, signal: null }
  return { op, path, inputJson, lastEventId, hasFailed: false, retry: undefined }
}

function failed(type: 'failed' | 'delayed', error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error)
  const known: Partial<RealtimeError> = isRealtimeError(error) ? error : {}
  return { type, code: known.code ?? 'CONNECTION_LOST', message, status: known.status }
}

/** tRPC's error shape, if the error came from a tRPC server. */
function shapeOf(error: unknown): unknown {
  return error instanceof Error && 'shape' in error ? error.shape : undefined
}
