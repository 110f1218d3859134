import type { SubscriptionCall } from './subscription-call.ts'

/** Sends the values of an iterable one at a time, as fast as the client reads. */
export async function sendIterable(
  call: SubscriptionCall,
  iterable: AsyncIterable<unknown>,
): Promise<void> {
  const iterator = iterable[Symbol.asyncIterator]()
  if (call.hasEnded) return await returnTo(iterator)
  const { signal } = call.over
  // A generator runs `return` after its pending `next`, which the signal ends.
  const stop = (): void => void returnTo(iterator).catch((error: unknown) => call.fail(error))
  signal.addEventListener('abort', stop)
  call.start(undefined)
  while (!call.hasEnded) {
    if (await sendNext(call, iterator)) continue
    signal.removeEventListener('abort', stop)
    return call.complete()
  }
}

/**
 * Sends the next value. Resolves to whether there was one. A separate function, so that a value
 * isn't kept in memory while the next one is awaited.
 */
async function sendNext(
  call: SubscriptionCall,
  iterator: AsyncIterator<unknown>,
): Promise<boolean> {
  const { connection, context } = call
  const result: unknown = await iterator.next()
  if (call.hasEnded) return true
  if (!isResult(result))
    throw new TypeError(`The iterator of "${call.subject.path}" returned no result.`)
  if (result.done) return false
  const send = (): void => {
    if (!call.hasEnded) call.sendValue(result.value)
  }
  // Several calls on one connection may have a value at the same time, so each waits for its turn.
  if (connection.isBackpressured())
    await connection.whenWritable(call.over.signal, () => context.runInAsyncScope(send))
  else send()
  return true
}

function isResult(value: unknown): value is IteratorResult<unknown> {
  return typeof value === 'object' && value !== null
}

/** Ends an iterator. Async, as a user's `return` may throw or not return a promise. */
async function returnTo(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.()
}
