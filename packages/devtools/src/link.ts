import type { Operation, OperationResultEnvelope, TRPCLink } from '@trpc/client'
import { TRPCClientError } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { observable } from '@trpc/server/observable'
import type { SseGap } from '@trpc-sse/client'
import type { OfflineSwitch } from './network/offline.ts'
import { clipped } from './record/preview.ts'
import type { Recorder } from './record/recorder.ts'
import type { SubscriptionRecorder } from './record/subscription-recorder.ts'

/** Creates the link that records subscriptions, and refuses other calls while offline. */
export function recordingLink<TRouter extends AnyTRPCRouter>(
  recorder: Recorder,
  offline: OfflineSwitch,
): TRPCLink<TRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type !== 'subscription') {
        if (!offline.isOffline) return next(op)
        return observable((observer) => observer.error(TRPCClientError.from(offline.error())))
      }
      return observable((observer) => {
        const record = recorder.subscription(op.path, op.input)
        const running = next({ ...op, context: contextOf(op, record) }).subscribe({
          next(envelope) {
            recordEnvelope(record, envelope.result)
            observer.next(envelope)
          },
          error(error) {
            record.failed(error)
            observer.error(error)
          },
          complete() {
            record.ended('unsubscribed')
            observer.complete()
          },
        })
        return () => {
          record.ended('unsubscribed')
          running.unsubscribe()
        }
      })
    }
}

/** Returns the call's context, with a handler that also records gaps. */
function contextOf({ context }: Operation, record: SubscriptionRecorder): Operation['context'] {
  const { onGap } = context
  return {
    ...context,
    onGap(gap: SseGap) {
      record.gap(gap.reason, clipped(gap.lastEventId))
      return typeof onGap === 'function' ? onGap(gap) : undefined
    },
  }
}

function recordEnvelope(
  record: SubscriptionRecorder,
  result: OperationResultEnvelope<unknown, unknown>['result'],
): void {
  if (result.type === 'started') record.started()
  else if (result.type === 'stopped') record.ended('complete')
  else if (result.type === 'state') {
    if (result.state === 'connecting' && result.error) record.reconnecting(result.error)
  } else {
    const { id, data } = result
    // tRPC wraps the value of a tracked event.
    if (id === undefined) record.event(id, data)
    else record.event(clipped(id), Object(data).data)
  }
}
