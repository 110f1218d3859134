import { RealtimeError } from '@trpc-sse/protocol'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import type { Service } from '../serve.ts'

/** Has the app restore the async context of a stream's subscriptions, from the stream's own context. */
export async function restoreContext(
  runWithContext: Service['runWithContext'],
  ctx: unknown,
): Promise<AsyncContext> {
  let context: AsyncContext | undefined
  const capture = (): void => {
    context ??= captureContext()
  }
  await (runWithContext ? runWithContext(ctx as never, capture) : capture())
  if (context !== undefined) return context
  const message =
    'runWithContext() returned and has not called the function that it was given. Call it once.'
  throw new RealtimeError('INVALID_OPTION', message)
}
