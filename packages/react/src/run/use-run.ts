import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
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
import { type ApplyDelta, type DeltaList, foldRules, listRules, type ValueRules } from './rules.ts'
import { emptyView, isMark, nextView, type RunView, toRunItem } from './view.ts'

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
/** The implementation. Callers see the signature above. */
export function useRun(
  subscription: LiveSubscription<never, never>,
  options: RunBaseOptions & Partial<RunFoldOptions<unknown, never>> = {},
): RunResult<never, never> {
  const { apply, frames = browserFrames } = options
  const rules = rulesOf(apply as ApplyDelta<unknown> | undefined)
  const live = useLiveStore({
    subscription: subscription as LiveSubscription<unknown, unknown>,
    initialData: noItems,
    write: undefined,
    frames,
    reduce: (view: RunView<unknown>, item) => nextView(view, toRunItem(item), rules),
    snapshot: () => emptyView,
    isMark,
  })
  const { value: shown, isCaughtUp, end } = live.data ?? emptyView
  const isList = apply === undefined
  const value = useMemo(() => (isList ? toArray(shown as DeltaList) : shown), [isList, shown])
  const key = subscriptionKey(subscription.queryKey)
  const { stop, isStopping } = useStop(key, options.stop)
  const status = statusOf(live, end)
  const result: RunResult<unknown, unknown> = {
    value,
    status,
    isCaughtUp,
    reason: end?.reason,
    error: live.error,
    gap: live.gap,
    stop,
    // A subscription that has failed never learns of the end.
    isStopping: isStopping && (status === 'running' || status === 'connecting'),
  }
  return result as RunResult<never, never>
}

const noItems = { data: emptyView }

function rulesOf(apply: ApplyDelta<unknown> | undefined): ValueRules<unknown> {
  return apply ? foldRules(apply) : (listRules as ValueRules<unknown>)
}

function toArray(list: DeltaList | undefined): readonly unknown[] {
  return list ? list.shared.slice(0, list.length) : []
}

function statusOf(
  { status }: Pick<LiveResult<unknown, unknown, unknown>, 'status'>,
  end: RunView<unknown>['end'],
): RunStatus {
  if (end) return end.status
  if (status === 'pending') return 'running'
  // The app's own generator may return without an end item.
  return status === 'complete' ? 'completed' : status
}

/** The calls of `stop` for one run that haven't failed. */
interface StopCalls {
  readonly key: string
  readonly count: number
}

/** Calls the app's `stop`, and remembers the run for which it was called. */
function useStop(
  key: string,
  stopRun: (() => PromiseLike<unknown>) | undefined,
): { readonly stop: () => Promise<void>; readonly isStopping: boolean } {
  const [calls, setCalls] = useState<StopCalls>({ key, count: 0 })
  const latest = useRef({ key, stopRun })
  useEffect(() => {
    latest.current = { key, stopRun }
  })
  const stop = useCallback(async () => {
    const { key, stopRun } = latest.current
    if (!stopRun)
      throw new Error('useRun has no option `stop`. Pass a function that stops the run.')
    setCalls((calls) => ({ key, count: calls.key === key ? calls.count + 1 : 1 }))
    try {
      await stopRun()
    } catch (error) {
      setCalls((calls) => (calls.key === key ? { key, count: calls.count - 1 } : calls))
      throw error
    }
  }, [])
  return { stop, isStopping: calls.key === key && calls.count > 0 }
}
