import { useCallback, useEffect, useRef, useState } from 'react'
import { browserFrames } from '../animation-frame.ts'
import type { LiveResult } from '../store/live-result.ts'
import type { LiveSubscription } from '../store/subscription.ts'
import { subscriptionKey } from '../store/subscription-key.ts'
import { useLiveStore } from '../use-live-store.ts'
import type { ValueOf } from './items.ts'
import type {
  RunBaseOptions,
  RunFoldOptions,
  RunResult,
  RunStatus,
  UseRunArguments,
} from './options.ts'
import { type ApplyDelta, emptyView, isMark, nextView, type RunView, toRunItem } from './view.ts'

/**
 * Follows a run: its value so far, and how it ended. Renders at most once a frame. A new `queryKey`
 * or `enabled` starts again.
 *
 * ```ts
 * const { value, status, stop } = useRun(trpc.onAnswer.subscriptionOptions({ chatId, runId }), {
 *   apply: (text, delta) => text + delta.text,
 *   stop: () => client.stop.mutate({ chatId, runId }),
 * })
 * ```
 */
export function useRun<TItem, TError>(
  subscription: LiveSubscription<TItem, TError>,
  ...[options]: UseRunArguments<TItem>
): RunResult<ValueOf<TItem>, TError>
/** The implementation, whose types the signature above gives to callers. */
export function useRun(
  subscription: LiveSubscription<never, never>,
  options: RunBaseOptions & Partial<RunFoldOptions<unknown, never>> = {},
): RunResult<never, never> {
  const { apply, frames = browserFrames } = options
  const applyDelta = (apply as ApplyDelta<unknown> | undefined) ?? appendDelta
  const live = useLiveStore({
    subscription: subscription as LiveSubscription<unknown, unknown>,
    initialData: { data: apply ? noValue : noDeltas },
    write: undefined,
    frames,
    reduce: (view: RunView<unknown>, item) => nextView(view, toRunItem(item), applyDelta),
    snapshot: () => noValue,
    isMark,
  })
  const { value, isCaughtUp, end } = live.data ?? noValue
  const key = subscriptionKey(subscription.queryKey)
  const { stop, isStopping } = useStop(key, options.stop)
  const result: RunResult<unknown, unknown> = {
    value,
    status: statusOf(live, end),
    isCaughtUp,
    reason: end?.reason,
    error: live.error,
    gap: live.gap,
    stop,
    isStopping: isStopping && end === undefined,
  }
  return result as RunResult<never, never>
}

const noValue = emptyView<unknown>(undefined)
const noDeltas = emptyView<unknown>([])

const appendDelta: ApplyDelta<unknown> = (deltas, delta) => [...(deltas as unknown[]), delta]

function statusOf(
  { status }: Pick<LiveResult<unknown, unknown, unknown>, 'status'>,
  end: RunView<unknown>['end'],
): RunStatus {
  if (end) return end.status
  if (status === 'pending') return 'running'
  // The app's own generator may return without an end item.
  return status === 'complete' ? 'completed' : status
}

/** Calls the app's `stop`, and remembers the run for which it was called. */
function useStop(
  key: string,
  stopRun: (() => PromiseLike<unknown>) | undefined,
): { readonly stop: () => Promise<void>; readonly isStopping: boolean } {
  const [stoppedKey, setStoppedKey] = useState<string>()
  const latest = useRef({ key, stopRun })
  useEffect(() => {
    latest.current = { key, stopRun }
  })
  const stop = useCallback(async () => {
    const { key, stopRun } = latest.current
    if (!stopRun)
      throw new Error('useRun has no option `stop`. Pass a function that stops the run.')
    setStoppedKey(key)
    try {
      await stopRun()
    } catch (error) {
      setStoppedKey((stopped) => (stopped === key ? undefined : stopped))
      throw error
    }
  }, [])
  return { stop, isStopping: stoppedKey === key }
}
