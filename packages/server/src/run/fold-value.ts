import { RealtimeError } from '@trpc-sse/protocol'
import type { Codec } from '../codec/codec.ts'
import { mustBeValue } from '../user-code/calls.ts'
import type { RunFold } from './definition.ts'

/**
 * Returns a copy of the value before the first delta. A fold that changes its argument then doesn't
 * affect other runs.
 */
export function initialValue({ initial }: RunFold<unknown, unknown>, codec: Codec): unknown {
  return codec.deserialize(codec.serialize(initial))
}

/** Returns the value after a delta. Throws if the fold throws or returns no value. */
export function applyFold(
  fold: RunFold<unknown, unknown>,
  value: unknown,
  delta: unknown,
): unknown {
  const next = mustBeValue(fold.apply(value, delta), 'fold.apply()')
  if (next !== undefined) return next
  const message =
    'fold.apply() returned undefined. Return the value after the delta: (value, delta) => …'
  throw new RealtimeError('INVALID_OPTION', message)
}
