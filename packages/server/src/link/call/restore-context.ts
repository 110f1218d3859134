import { RealtimeError } from '@trpc-sse/protocol'
import { type AsyncContext, captureContext } from '../../user-code/async-context.ts'
import type { RequestServices } from '../request/services.ts'

/** Makes the app restore the async context for a stream's `ctx`, and returns that context. */
export async function restoreContext(
  runWithContext: RequestServices['runWithContext'],
  ctx: unknown,
): Promise<AsyncContext> {
  let context: AsyncContext | undefined
  const capture = (): void => {
    context ??= captureContext()
  }
  await (runWithContext ? runWithContext(ctx, capture) : capture())
  if (context !== undefined) return context
  const message =
    'runWithContext() returned without calling the function it was given. Call it once.'
  throw new RealtimeError('INVALID_OPTION', message)
}
