import { type TrackedEnvelope, tracked } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { eventValue, type FeedEvent } from '../hub/log-event.ts'
import { holdProcess } from '../user-code/keep-alive.ts'
import { callContextOf } from './call-context.ts'
import { gapMessage, tooFarBehind } from './errors.ts'
import type { Feed, Gap } from './feed.ts'
import type { SubscribeOptions } from './options.ts'
import { rememberId } from './recent-ids.ts'
import { knowsCall } from './resume.ts'

/** What an iteration has to know of its subscription. */
export interface IterationSource {
  readonly options: SubscribeOptions
  /** What ends it. */
  readonly signals: readonly AbortSignal[]
}

/**
 * Reads a feed as an async iterator of tracked events, for whoever pulls: tRPC's own adapters, `createCaller`, a
 * generator of the user's. Ends when a signal aborts. `return` ends it at once, even while `next` waits.
 */
export function iterateFeed<TEvent>(
  source: IterationSource,
  open: (wake: () => void) => Promise<Feed>,
): AsyncIterator<TrackedEnvelope<TEvent>, void, unknown> {
  const { options, signals } = source
  const isKnown = knowsCall(options)
  let feed: Feed | undefined
  let wake = (): void => {}
  let ended = false
  let announced = false
  let last: Promise<unknown> = Promise.resolve()

  function end(): void {
    ended = true
    for (const signal of signals) signal.removeEventListener('abort', end)
    feed?.close()
    wake()
  }

  /** Says once where the subscription stands, if its first event doesn't. */
  function announce(item: FeedEvent | Gap | undefined): void {
    const position = feed?.position()
    if (announced || ended || position === undefined) return
    announced = true
    if (item === undefined) callContextOf(options)?.onPosition(position)
  }

  async function next(): Promise<IteratorResult<TrackedEnvelope<TEvent>, void>> {
    if (signals.some(({ aborted }) => aborted)) end()
    while (!ended) {
      feed ??= await open(() => wake())
      feed.needValues()
      // Asked for before the feed is read, so that no call of `wake` falls between the two.
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (feed.isTooFarBehind()) throw tooFarBehind()
      const item = ended ? undefined : feed.next()
      announce(item)
      if (item?.kind === 'gap') tell(source, item)
      else if (item) {
        rememberId(item.id, isKnown)
        return { done: false, value: tracked(item.id, eventValue(item) as TEvent) }
      } else if (!ended) {
        const release = holdProcess()
        await woken
        release()
      }
    }
    feed?.close()
    return { done: true, value: undefined }
  }

  for (const signal of signals) signal.addEventListener('abort', end)
  return {
    next() {
      const result = last.then(next).catch((error: unknown) => {
        end()
        throw error
      })
      last = result.catch(() => {})
      return result
    },
    async return() {
      end()
      return { done: true, value: undefined }
    },
  }
}

function tell({ options }: IterationSource, gap: Gap): void {
  const transport = callContextOf(options)
  if (transport) transport.onGap(gap)
  else gap.report(new RealtimeError('GAP', gapMessage(gap)), 'gap')
}
