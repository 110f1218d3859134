import { type TrackedEnvelope, tracked } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { eventValue } from '../hub/log-event.ts'
import { holdProcess } from '../user-code/keep-alive.ts'
import { callContextOf } from './call-context.ts'
import { gapMessage, tooFarBehind } from './errors.ts'
import type { Feed, FeedItem, Gap } from './feed.ts'
import type { SubscribeOptions } from './options.ts'
import { rememberId } from './recent-ids.ts'
import { knowsCall } from './resume.ts'

/** The part of a subscription that an iteration needs. */
export interface IterationSource {
  readonly options: SubscribeOptions
  /** The signals that end the iteration. */
  readonly signals: readonly AbortSignal[]
}

/**
 * Reads a feed as an async iterator of tracked events, for tRPC's own adapters, `createCaller` and
 * user generators. The iterator ends when a signal aborts. `return` ends it immediately, even while
 * `next` is waiting.
 */
export function iterateFeed<TEvent>(
  source: IterationSource,
  open: (wake: () => void) => Promise<Feed>,
): AsyncIterator<TrackedEnvelope<TEvent>, void, unknown> {
  return new FeedIterator<TEvent>(source, open)
}

class FeedIterator<TEvent> implements AsyncIterator<TrackedEnvelope<TEvent>, void, unknown> {
  readonly #options: SubscribeOptions
  readonly #signals: readonly AbortSignal[]
  readonly #open: (wake: () => void) => Promise<Feed>
  readonly #knowsCall: boolean
  #feed: Feed | undefined
  #wake = (): void => {}
  #hasEnded = false
  /** Whether the client knows the position. */
  #positionSent = false
  /** The last call of `next`. Calls run one after the other. */
  #last: Promise<unknown> = Promise.resolve()

  constructor({ options, signals }: IterationSource, open: (wake: () => void) => Promise<Feed>) {
    this.#options = options
    this.#signals = signals
    this.#open = open
    this.#knowsCall = knowsCall(options)
    for (const signal of signals) signal.addEventListener('abort', this.#end)
  }

  next(): Promise<IteratorResult<TrackedEnvelope<TEvent>, void>> {
    const result = this.#last
      .then(() => this.#next())
      .catch((error: unknown) => {
        this.#end()
        throw error
      })
    this.#last = result.catch(() => {})
    return result
  }

  async return(): Promise<IteratorResult<TrackedEnvelope<TEvent>, void>> {
    this.#end()
    return { done: true, value: undefined }
  }

  readonly #end = (): void => {
    this.#hasEnded = true
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#end)
    this.#feed?.close()
    this.#wake()
  }

  async #next(): Promise<IteratorResult<TrackedEnvelope<TEvent>, void>> {
    if (this.#signals.some(({ aborted }) => aborted)) this.#end()
    while (!this.#hasEnded) {
      this.#feed ??= await this.#open(() => this.#wake())
      this.#feed.needValues()
      // Created before the feed is read, so that a wake in between isn't lost.
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const item = this.#read(this.#feed)
      if (item?.kind === 'event') {
        rememberId(item.id, this.#knowsCall)
        return { done: false, value: tracked(item.id, eventValue(item) as TEvent) }
      }
      if (item?.kind === 'end') this.#end()
      else if (item) this.#reportGap(item)
      else if (!this.#hasEnded) {
        const release = holdProcess()
        await woken
        release()
      }
    }
    this.#feed?.close()
    return { done: true, value: undefined }
  }

  #read(feed: Feed): FeedItem | undefined {
    if (feed.isTooFarBehind()) throw tooFarBehind()
    const item = this.#hasEnded ? undefined : feed.next()
    if (!this.#positionSent) this.#sendPosition(feed, item)
    return item
  }

  /**
   * Sends the client the starting position, unless the first item is there: it has an id itself.
   */
  #sendPosition(feed: Feed, item: FeedItem | undefined): void {
    const position = feed.position()
    if (this.#hasEnded || position === undefined) return
    this.#positionSent = true
    if (item === undefined) callContextOf(this.#options)?.sendPosition(position)
  }

  #reportGap(gap: Gap): void {
    const context = callContextOf(this.#options)
    if (context) context.sendGap(gap)
    else gap.report(new RealtimeError('GAP', gapMessage(gap)), 'gap')
  }
}
