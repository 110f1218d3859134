import type { Observable } from '@trpc/server/observable'
import { RealtimeError } from '@trpc-sse/protocol'
import { dismiss, isFull, whenRoom } from '../connection/connection.ts'
import {
  complete,
  fail,
  type SubscriptionRun,
  sendFrame,
  start,
  tell,
  valueFrame,
} from './subscription-call.ts'

/** What a waiting value takes beside its bytes, about. */
const bytesPerValue = 128

/**
 * Sends what an observable emits. It can't be asked to pause, as a generator is by not being asked for more: what its client
 * doesn't read waits here, up to `maxQueuedBytes`, beyond which the connection is cut.
 */
export function sendObservable(
  run: SubscriptionRun,
  observable: Observable<unknown, unknown>,
): void {
  const { connection, context, over, mode } = run
  let queue: Uint8Array[] = []
  let queuedBytes = 0
  /** How it ends, after what is queued. */
  let last: (() => void) | undefined

  function drain(): void {
    let sent = 0
    for (const frame of queue) {
      if (isFull(connection)) break
      sendFrame(run, frame)
      queuedBytes -= frame.length + bytesPerValue
      sent += 1
    }
    queue = queue.slice(sent)
    if (queue.length > 0) whenRoom(connection, drain)
    else last?.()
  }

  function take(value: unknown): void {
    const frame = valueFrame(run, value)
    if (queue.length === 0 && !isFull(connection)) {
      sendFrame(run, frame)
      return
    }
    if (queue.length === 0) whenRoom(connection, drain)
    queue.push(frame)
    queuedBytes += frame.length + bytesPerValue
    if (queuedBytes > mode.maxQueuedBytes) cutOff(run)
  }

  function endBy(end: () => void): void {
    last = end
    if (queue.length === 0) end()
  }

  /** It may call whenever it likes: also after its end, or when nobody is there any more. */
  function heard(work: () => void): void {
    if (run.ended || last) return
    context.runInAsyncScope(() => {
      try {
        work()
      } catch (cause) {
        fail(run, cause)
      }
    })
  }

  run.pump = drain
  start(run, undefined)
  const subscription = observable.subscribe({
    next: (value) => heard(() => take(value)),
    error: (cause) => heard(() => endBy(() => fail(run, cause))),
    complete: () => heard(() => endBy(() => complete(run))),
  })
  function stop(): void {
    try {
      subscription.unsubscribe()
    } catch (cause) {
      fail(run, cause)
    }
  }
  if (over.signal.aborted) stop()
  else over.signal.addEventListener('abort', stop, { once: true })
}

function cutOff(run: SubscriptionRun): void {
  const { connection, mode, subject } = run
  mode.counters.cutOff += 1
  const message = `The observable of "${subject.path}" emits faster than its client reads: more than ${mode.maxQueuedBytes} bytes wait (maxQueuedBytes). Return an async generator, which pauses meanwhile, or a channel's subscription, which goes on where the client stands.`
  tell(run, new RealtimeError('TOO_FAR_BEHIND', message))
  dismiss(connection)
}
