import type { Operation, OperationResultEnvelope } from '@trpc/client'
import type { Observer } from '@trpc/server/observable'
import type { SseGap, SseLinkBaseOptions, SseLinkErrorInfo } from '../options/options.ts'
import type { SubscriptionObserver } from '../set/observer.ts'
import { type ClientError, clientError } from './codec.ts'

/** What tRPC gives a link to tell a subscription's news to. */
export type EnvelopeObserver = Observer<OperationResultEnvelope<unknown, ClientError>, ClientError>

/** Tells a subscription's news in tRPC's envelopes. Only what an app's `onData`, `onStarted` and the like throw gets out. */
export interface EnvelopeTeller extends SubscriptionObserver {
  /** Calls `stop` when the app's signal aborts first. To tRPC's links that is an end like the server's own. */
  stopWhenAborted(stop: () => void): void
  /** Nobody listens any more. */
  complete(): void
}

/** Tells the news of one operation's subscription exactly as tRPC's own links do. */
export function tellInEnvelopes(
  options: SseLinkBaseOptions,
  op: Operation,
  observer: EnvelopeObserver,
): EnvelopeTeller {
  const guard = guardOf(options, op.path)
  let hasWarned = false
  let unlisten = (): void => {}

  function warnOnce({ path, lastEventId, reason }: SseGap): void {
    if (!hasWarned) {
      console.warn(
        `${path}: events after ${lastEventId} are no longer available (${reason}). Handle this with onGap.`,
      )
    }
    hasWarned = true
  }

  function failed(error: unknown): void {
    unlisten()
    guard('onError', () => observer.error(clientError(error)))
  }

  function complete(): void {
    unlisten()
    guard('onComplete', () => observer.complete())
  }

  function stopped(): void {
    unlisten()
    observer.next({ result: { type: 'stopped' } })
    observer.next({ result: { type: 'state', state: 'idle', error: null } })
    complete()
  }

  return {
    connecting(cause) {
      const error = cause === undefined ? null : clientError(cause)
      observer.next({ result: { type: 'state', state: 'connecting', error } })
    },
    started(_, live) {
      // `useLive` finds it in what `onStarted` is told.
      observer.next({
        result: { type: 'started' },
        ...(live !== undefined && { context: { live } }),
      })
      observer.next({ result: { type: 'state', state: 'pending', error: null } })
    },
    event(data, id) {
      observer.next({ result: id === undefined ? { data } : { id, data: { id, data } } })
    },
    gap({ lastEventId, reason }) {
      const gap: SseGap = { path: op.path, input: op.input, lastEventId, reason }
      const handlers = [options.onGap, op.context.onGap].filter((one) => typeof one === 'function')
      for (const onGap of handlers.length > 0 ? handlers : [warnOnce])
        guard('onGap', () => onGap(gap))
    },
    stopped,
    failed,
    stopWhenAborted(stop) {
      const { signal } = op
      function onAbort(): void {
        try {
          stop()
          stopped()
        } catch (error) {
          failed(error)
        }
      }
      signal?.addEventListener('abort', onAbort)
      unlisten = () => signal?.removeEventListener('abort', onAbort)
    },
    complete,
  }
}

type Guard = (stage: SseLinkErrorInfo['stage'], call: () => unknown) => void

/** Calls handlers so that what they throw, or reject with if they are async, is told and stops nothing. */
function guardOf({ onError = reportUncaught }: SseLinkBaseOptions, path: string): Guard {
  // An async function runs at once, up to its first await: the call itself is not put off.
  const settled = async (call: () => unknown): Promise<unknown> => call()
  return (stage, call) => {
    settled(call).catch((error: unknown) => onError(error, { stage, path }))
  }
}

/** Hands an error to the runtime, which shows it as it shows every error that nobody caught. */
function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  else
    queueMicrotask(() => {
      throw error
    })
}
