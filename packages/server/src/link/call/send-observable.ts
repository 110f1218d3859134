import type { Observable } from '@trpc/server/observable'
import { RealtimeError } from '@trpc-sse/protocol'
import type { CallSource } from './call-source.ts'
import type { SubscriptionCall } from './subscription-call.ts'

/** The approximate overhead of a queued value, in bytes. */
const bytesPerValue = 128

/**
 * Sends the values of an observable. Unlike a generator, an observable can't be paused: values for
 * a slow client are queued, up to `maxQueuedBytes`. Beyond that, the connection is closed.
 */
export function sendObservable(
  call: SubscriptionCall,
  observable: Observable<unknown, unknown>,
): void {
  const { signal } = call.over
  const sender = new ObservableSender(call)
  call.source = sender
  call.start(undefined)
  const subscription = observable.subscribe({
    next: (value) => sender.handle(() => sender.send(value)),
    error: (cause) => sender.handle(() => sender.endWith(() => call.fail(cause))),
    complete: () => sender.handle(() => sender.endWith(() => call.complete())),
  })
  function stop(): void {
    try {
      subscription.unsubscribe()
    } catch (cause) {
      call.fail(cause)
    }
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
}

class ObservableSender implements CallSource {
  readonly #call: SubscriptionCall
  readonly #drain = (): void => this.#sendQueued()
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  /** Ends the call once the queue is empty. */
  #end: (() => void) | undefined = undefined

  constructor(call: SubscriptionCall) {
    this.#call = call
  }

  position(): undefined {
    return undefined
  }

  close(): void {
    this.#call.connection.stopWaiting(this.#drain)
  }

  /**
   * Handles a callback of the observable. It may come at any time, even after the end or when the
   * client is gone.
   */
  handle(step: () => void): void {
    const call = this.#call
    if (call.hasEnded || this.#end) return
    call.context.runInAsyncScope(() => {
      try {
        step()
      } catch (cause) {
        call.fail(cause)
      }
    })
  }

  send(value: unknown): void {
    const call = this.#call
    const { connection, mode } = call
    const frame = call.writeValue(value)
    if (this.#queue.length === 0 && !connection.isBackpressured()) {
      call.sendFrame(frame)
      return
    }
    if (this.#queue.length === 0) connection.onceWritable(this.#drain)
    this.#queue.push(frame)
    this.#queuedBytes += frame.length + bytesPerValue
    if (this.#queuedBytes > mode.maxQueuedBytes) cutOff(call)
  }

  endWith(end: () => void): void {
    this.#end = end
    if (this.#queue.length === 0) end()
  }

  #sendQueued(): void {
    const { connection } = this.#call
    let sent = 0
    for (const frame of this.#queue) {
      if (connection.isBackpressured()) break
      this.#call.sendFrame(frame)
      this.#queuedBytes -= frame.length + bytesPerValue
      sent += 1
    }
    this.#queue = this.#queue.slice(sent)
    if (this.#queue.length > 0) connection.onceWritable(this.#drain)
    else this.#end?.()
  }
}

function cutOff(call: SubscriptionCall): void {
  const { connection, mode, subject } = call
  mode.counters.cutOff += 1
  const message = `The observable of "${subject.path}" emits faster than its client reads: more than ${mode.maxQueuedBytes} bytes wait (maxQueuedBytes). Return an async generator, which pauses meanwhile, or a channel's subscription, which continues from the client's position.`
  call.report(new RealtimeError('TOO_FAR_BEHIND', message))
  connection.dismiss()
}
