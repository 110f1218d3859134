import { type TRPCDataTransformer, TRPCError } from '@trpc/server'
import { areSame } from '../../codec/transformer.ts'
import { clearCallContext } from '../../subscription/call-context.ts'
import type { Feed, FeedPart, ReaderState } from '../../subscription/feed.ts'
import { openFeed, type SubscriptionSource } from '../../subscription/subscription.ts'
import type { CallSource } from './call-source.ts'
import { differentTransformers } from './errors.ts'
import type { SubscriptionCall } from './subscription-call.ts'

/**
 * Opens a channel subscription that the procedure returned, after an id if there is one. Sends its
 * events until it ends.
 */
export function sendFeed(
  call: SubscriptionCall,
  source: SubscriptionSource,
  lastEventId: string | undefined,
): void {
  mustHaveTransformer(source, call.mode.output)
  const sender = new FeedSender(call, source)
  const feed = openFeed(source, sender.wake, call.connection.readGroup, lastEventId)
  // The subscription isn't iterated, so the context for iterations can be released.
  clearCallContext(call.over.signal)
  if (call.hasEnded) {
    feed.close()
    return
  }
  call.source = sender
  call.live = source.live
  sender.begin(feed, source.parts)
  endWithSignals(call, source)
}

/**
 * Sends the events of one feed as fast as the client reads. Until then, events wait in the window
 * or in the log.
 */
class FeedSender implements CallSource {
  /** Sends available events. Called when the feed has events, or the client can take more. */
  readonly wake: () => void
  readonly #call: SubscriptionCall
  #feed: Feed | undefined = undefined
  /**
   * The channels that the subscription reads, until all were reached. Released after that, so that
   * the procedure's result doesn't live as long as the stream.
   */
  #unreached: readonly FeedPart[] | undefined = undefined
  #isBehind = false

  constructor(call: SubscriptionCall, { hasCallbacks }: SubscriptionSource) {
    this.#call = call
    this.wake = hasCallbacks ? () => this.#sendInContext() : () => this.#send()
  }

  begin(feed: Feed, parts: readonly FeedPart[]): void {
    this.#feed = feed
    this.#unreached = parts
    this.#send()
  }

  position(): string | undefined {
    return this.#feed?.position()
  }

  readers(): readonly ReaderState[] {
    return this.#feed?.readers() ?? []
  }

  close(): void {
    this.#feed?.close()
    this.#call.connection.stopWaiting(this.wake)
  }

  #sendInContext(): void {
    this.#call.context.runInAsyncScope(() => this.#send())
  }

  #send(): void {
    const call = this.#call
    if (this.#feed === undefined || call.hasEnded) return
    try {
      this.#sendFrom(this.#feed)
      if (this.#unreached && this.#areReached(this.#unreached)) this.#unreached = undefined
    } catch (error) {
      call.fail(error)
    }
  }

  #sendFrom(feed: Feed): void {
    const call = this.#call
    const { connection } = call
    if (!call.positionSent && !this.#sendStart(feed)) {
      // The start must be read from the log, which isn't read under backpressure.
      if (connection.isBackpressured()) connection.onceWritable(this.wake)
      return
    }
    while (!connection.isBackpressured()) {
      const item = feed.next()
      // A filter may have ended its own subscription.
      if (item === undefined || call.hasEnded) {
        this.#trace(false)
        return
      }
      if (item.kind === 'event') call.sendEvent(item)
      else if (item.kind === 'gap') call.sendGap(item)
      else call.complete()
    }
    this.#trace(true)
    if (call.hasEnded) return
    if (feed.isTooFarBehind()) cutOff(call)
    else connection.onceWritable(this.wake)
  }

  /** Traces a client that has fallen behind, or has caught up. */
  #trace(isBehind: boolean): void {
    if (isBehind === this.#isBehind) return
    this.#isBehind = isBehind
    const { connection, mode, hasEnded } = this.#call
    if (hasEnded || !mode.tracer.isOn) return
    const facts = this.#call.traced()
    if (!isBehind) mode.tracer.report('caught-up', facts)
    else mode.tracer.report('behind', { ...facts, bytesWaiting: connection.bytesWaiting })
  }

  /** Sends the client the starting position. Returns whether it is known yet. */
  #sendStart(feed: Feed): boolean {
    const position = feed.position()
    if (position === undefined) return false
    this.#call.positionSent = true
    this.#call.start(position)
    // The call may have started before the position was known.
    this.#call.sendPosition(position)
    return true
  }

  /**
   * Whether all logs were reached. If one can't be reached, the call fails: its client shows an
   * error and retries.
   */
  #areReached(parts: readonly FeedPart[]): boolean {
    let areReached = true
    for (const part of parts) {
      const hub = part.hub()
      if (hub?.window === undefined) areReached = false
      if (hub?.failure !== undefined && !this.#call.hasEnded)
        this.#call.fail(cannotStart(hub.failure))
    }
    return areReached
  }
}

function cannotStart(cause: unknown): TRPCError {
  const message =
    "The channel's log can't be reached, so the subscription can't start. It is tried again; the server's logs say why."
  return new TRPCError({ code: 'SERVICE_UNAVAILABLE', message, cause })
}

/**
 * Closes the connection. An error message wouldn't reach a client that doesn't read; it notices the
 * end when it reads again.
 */
function cutOff({ connection, mode: { counters } }: SubscriptionCall): void {
  counters.cutOff += 1
  connection.dismiss()
}

/**
 * Completes the call when a signal from the subscription's options aborts, other than the call's
 * own signal.
 */
function endWithSignals(call: SubscriptionCall, { parts }: SubscriptionSource): void {
  const { signal: own } = call.over
  const end = (): void => call.context.runInAsyncScope(() => call.complete())
  for (const { signal } of parts) {
    if (signal === undefined || signal === own) continue
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true, signal: own })
  }
}

function mustHaveTransformer(
  { parts }: SubscriptionSource,
  output: TRPCDataTransformer | undefined,
): void {
  if (!parts.every(({ codec }) => areSame(codec.output, output)))
    throw differentTransformers('channel')
}
