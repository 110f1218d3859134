import { type Clock, elapsedTime } from '@trpc-sse/protocol'
import { lastingMs, type RetryPolicy, reconnectDelayMs } from '../stream/retry.ts'
import type { Carrier } from '../stream/stream.ts'
import type { SubscriptionFrame } from '../wire/frame.ts'
import { createFeed, type Feed } from './handover.ts'
import type { SubscriptionEnd, SubscriptionObserver } from './observer.ts'

/** One of the app's subscriptions. What its handlers throw gets out. */
export interface Member extends Pick<SubscriptionObserver, 'connecting' | 'started' | 'failed'> {
  /** Takes a frame, and says what it means for a stream that serves only this subscription. */
  receive(frame: SubscriptionFrame): SubscriptionEnd | undefined
  /** Takes it off the stream: it goes on by itself, from where it stands. */
  goAlone(lastEventId: string | undefined): void
}

/** What an entry needs, and whom it tells. */
export interface EntryOptions {
  readonly clock: Clock
  readonly retry: RetryPolicy
  readonly lingerMs: number
  readonly lastEventId: string | undefined
  /** It stands somewhere else, or has started. */
  readonly onMove: () => void
  /** The shortest wait that the stream asks for, in milliseconds, before it is started again. */
  readonly askedWaitMs: () => number
  /** The server has ended it, for now or for good. */
  readonly onEnded: () => void
  /** It is to be started again. */
  readonly onRetry: () => void
  /** It is wanted no more. May be called again. */
  readonly onOver: () => void
}

/** One subscription on the wire, for all of the app's that are the same and stand at the same place. */
export interface Entry {
  readonly feed: Feed<Carrier>
  /** Whether it waits, after a failure of its own, until it is started again. */
  isResting(): boolean
  /** Whether it has said nothing yet. */
  isFresh(): boolean
  join(member: Member): void
  /** Takes a member away. The last one's place is kept for a while. */
  leave(member: Member): void
  /** Takes over the members of an entry that stands at the same place. */
  adopt(other: Entry): void
  /** Tells those that have just joined that it runs, if it does. */
  welcomeAll(): void
  /** Gives all members away, and tells them nothing. */
  dissolve(): Member[]
  /** Ends all of it with an error. */
  fail(error: unknown): void
}

/** Creates an entry without a member. */
export function createEntry(options: EntryOptions): Entry {
  const { clock, retry } = options
  const elapsedMs = elapsedTime(clock)
  const members = new Set<Member>()
  const newcomers = new Set<Member>()
  let isFresh = true
  let isResting = false
  // In a row: without progress in between.
  let failures = 0
  let startedMs = Infinity
  let cancelTimer = (): void => {}

  /** What a member's handlers throw ends that member. */
  function each(tell: (member: Member) => void): void {
    for (const member of [...members]) {
      try {
        if (members.has(member)) tell(member)
      } catch (error) {
        remove(member)
        member.failed(error)
        if (members.size === 0) over()
      }
    }
  }

  function remove(member: Member): boolean {
    newcomers.delete(member)
    return members.delete(member)
  }

  function welcome(member: Member): void {
    if (newcomers.delete(member) && feed.source() !== undefined)
      member.started(feed.lastEventId(), feed.live())
  }

  function over(): void {
    cancelTimer()
    feed.reset()
    options.onOver()
  }

  function dissolve(): Member[] {
    const all = [...members]
    members.clear()
    newcomers.clear()
    over()
    return all
  }

  function fail(error: unknown): void {
    for (const member of dissolve()) member.failed(error)
  }

  function rest(error: unknown): void {
    cancelTimer()
    feed.reset()
    isResting = true
    failures = elapsedMs() - startedMs >= lastingMs ? 1 : failures + 1
    startedMs = Infinity
    const waitMs = reconnectDelayMs(clock, retry, { failures, askedWaitMs: options.askedWaitMs() })
    const rested = (): void => {
      isResting = false
      if (members.size > 0) options.onRetry()
      else over()
    }
    cancelTimer = clock.after(waitMs, rested, { keepsAlive: members.size > 0 })
    each((member) => member.connecting(error))
  }

  function deliver(frame: SubscriptionFrame): undefined {
    if (frame.type === 'event' || frame.type === 'gap') isFresh = false
    let end: SubscriptionEnd | undefined
    each((member) => {
      welcome(member)
      end = member.receive(frame) ?? end
    })
    if (frame.type !== 'stopped' && frame.type !== 'error') return
    options.onEnded()
    if (end?.type === 'lost') rest(end.error)
    else if (end?.error !== undefined) fail(end.error)
    else dissolve()
  }

  const feed = createFeed<Carrier>({
    lastEventId: options.lastEventId,
    deliver,
    onStarted(lastEventId) {
      startedMs = elapsedMs()
      newcomers.clear()
      each((member) => member.started(lastEventId, feed.live()))
      options.onMove()
    },
    onWaiting(error) {
      newcomers.clear()
      if (!isResting) each((member) => member.connecting(error))
    },
    onPosition(_, stream) {
      failures = 0
      options.onMove()
      stream.progressed()
    },
  })

  function add(member: Member): void {
    if (!isResting) cancelTimer()
    members.add(member)
  }

  return {
    feed,
    isResting: () => isResting,
    isFresh: () => isFresh,
    join(member) {
      add(member)
      if (feed.source() === undefined) return
      newcomers.add(member)
      // Not at once: the app doesn't have in hands yet what it would end it with.
      queueMicrotask(() => each((one) => one === member && welcome(one)))
    },
    leave(member) {
      if (!remove(member) || members.size > 0 || isResting) return
      cancelTimer = clock.after(options.lingerMs, over)
    },
    adopt(other) {
      other.welcomeAll()
      for (const member of other.dissolve()) add(member)
    },
    welcomeAll: () => each(welcome),
    dissolve,
    fail,
  }
}
