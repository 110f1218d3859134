import type { Operation } from '@trpc/client'
import type { Clock, RealtimeError, WantedSubscription } from '@trpc-sse/protocol'
import type { Codec } from '../set/observer.ts'
import type { SubscriptionSet } from '../set/set.ts'
import type { Member } from '../set/shared-subscription.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import type { TabsEnvironment } from './environment.ts'
import {
  type FollowerMessage,
  type LeaderMessage,
  readFollowerMessage,
  readSubscriptions,
} from './messages.ts'
import { writeFrame, writeMessage } from './write.ts'

/** What a host serves a guest with. */
export interface FollowerSessionOptions {
  readonly clock: Clock
  readonly environment: TabsEnvironment
  readonly codec: Codec
  /** All that the host's guests want. */
  readonly set: SubscriptionSet
  readonly host: string
  /** Of the guest's stream. */
  readonly name: string
  /** The guest is gone, or has nothing to expect any more. */
  readonly onOver: () => void
}

/** A guest, at its host: what it wants are members of the host's set, and what they hear is written to it. */
export interface FollowerSession {
  /** Makes the set what the request says. */
  apply(body: string): void
  /** Says that it is served. */
  greet(): void
  /** There is, or was, a stream of the server: the guest's can begin. */
  open(): void
  /** The host resigns. */
  close(): void
}

/** A guest that has so many characters still to read is frozen, or as good as that: it comes back when it can. */
const mostUnread = 4_194_304

/**
 * For how long what an interrupted guest wanted is kept, in milliseconds. It comes back for it at once, and the
 * stream must not end meanwhile: it knows how long the server wants to be left alone.
 */
const limboMs = 1_000

/** Creates a session that wants nothing yet. */
export function createFollowerSession(options: FollowerSessionOptions): FollowerSession {
  const { clock, environment, set, host, name } = options
  const leaves = new Map<string, () => void>()
  const watching = new AbortController()
  let isOpen = false
  let isOver = false
  let unsent = ''
  let unread = 0

  const channel = environment.openChannel(name, (message) => {
    const known = isOver ? undefined : readFollowerMessage(message)
    if (known) take(known)
  })
  // The guest has this lock as long as it is there.
  environment.requestLock(name, { signal: watching.signal }, async () => finish()).catch(() => {})

  function post(message: DistributiveOmit<LeaderMessage, 'host'>): void {
    channel.post({ ...message, host })
  }

  function take(message: FollowerMessage): void {
    if (message.type === 'probe') post({ type: 'here' })
    else if (message.type === 'read') unread = Math.max(0, unread - message.length)
    else apply(message.body)
  }

  function apply(body: string): void {
    const subscriptions = readSubscriptions(body)
    if (!subscriptions) return
    for (const key of leaves.keys()) if (!subscriptions.has(key)) leave(key)
    for (const [key, wanted] of subscriptions) {
      if (!leaves.has(key)) leaves.set(key, set.join(callOf(wanted), memberOf(key)))
    }
  }

  /** Takes its place in the set away; the key is known until it is given up. */
  function leave(key: string): void {
    leaves.get(key)?.()
    leaves.delete(key)
  }

  function finish(): void {
    isOver = true
    watching.abort()
    channel.close()
    for (const key of [...leaves.keys()]) leave(key)
    options.onOver()
  }

  /** Ends the guest's stream. */
  function end(message: DistributiveOmit<LeaderMessage, 'host'>): void {
    if (isOver) return
    flush()
    isOver = true
    watching.abort()
    post(message)
    clock.after(limboMs, finish)
  }

  function open(): void {
    if (isOpen) return
    isOpen = true
    const data = JSON.stringify({ connectionId: name })
    unsent = writeMessage('$connected', data) + unsent
    flush()
  }

  /** What comes in one go is sent in one go. */
  function say(text: string): void {
    if (unsent === '') queueMicrotask(flush)
    unsent += text
  }

  function flush(): void {
    if (!isOpen || isOver || unsent === '') return
    const text = unsent
    unsent = ''
    unread += text.length
    post({ type: 'text', text })
    if (unread > mostUnread) end({ type: 'moved' })
  }

  function memberOf(key: string): Member {
    let isRunning = false
    let hasEnded = false
    return {
      receive(frame) {
        say(writeFrame(key, frame))
        if (frame.type !== 'error' && frame.type !== 'stopped') return undefined
        hasEnded = true
        // It tries again by itself.
        leaves.get(key)?.()
        // What the guest has been told for good is to be tried again by the guest, or not at all.
        return frame.type === 'error' ? options.codec.error(frame.error) : { type: 'end' }
      },
      started(lastEventId, live) {
        isRunning = true
        say(writeFrame(key, { type: 'started', key, id: lastEventId, live }))
      },
      connecting(error) {
        if (isRunning && !hasEnded) end(error === undefined ? { type: 'moved' } : failed(error))
      },
      failed(error) {
        if (hasEnded) return
        hasEnded = true
        open()
        const shape = shapeOf(error)
        if (shape) say(writeFrame(key, errorFrame(key, options.codec.serialize(shape))))
        else end(failed(error))
      },
      goAlone: () => end({ type: 'unknown' }),
    }
  }

  return {
    apply,
    greet: () => post({ type: 'here' }),
    open,
    close() {
      if (!isOver) post({ type: 'moved' })
      finish()
    },
  }
}

type DistributiveOmit<T, TKey extends PropertyKey> = T extends unknown ? Omit<T, TKey> : never

function callOf({
  path,
  input,
  lastEventId,
}: WantedSubscription): Parameters<SubscriptionSet['join']>[0] {
  // What is undefined has no JSON.
  const inputJson: string | undefined = JSON.stringify(input)
  // The real one is in the guest's tab.
  const op: Operation = { id: 0, type: 'subscription', path, input, context: {}, signal: null }
  return { op, path, inputJson, lastEventId, hasFailed: false }
}

function errorFrame(key: string, error: unknown): SubscriptionFrame {
  return { type: 'error', key, error, id: undefined }
}

function failed(
  error: unknown,
): DistributiveOmit<LeaderMessage, 'host'> & { readonly type: 'failed' } {
  const message = error instanceof Error ? error.message : String(error)
  const { code = 'CONNECTION_LOST', status }: Partial<RealtimeError> = isOurs(error) ? error : {}
  return { type: 'failed', code, message, status }
}

function isOurs(error: unknown): error is RealtimeError {
  return error instanceof Error && error.name === 'RealtimeError'
}

/** What tRPC's server said of a failure, if it did. */
function shapeOf(error: unknown): unknown {
  return error instanceof Error && 'shape' in error ? error.shape : undefined
}
