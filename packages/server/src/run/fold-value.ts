import { RealtimeError } from '@trpc-sse/protocol'
import { checkJsonLoss } from '../channel/publish.ts'
import type { Codec } from '../codec/codec.ts'
import { mustBeValue } from '../user-code/calls.ts'
import type { RunFold } from './definition.ts'

/**
 * Returns a copy of a value, such as the one before the first delta. A fold that changes its
 * argument then changes no other value.
 */
export function copyOf(value: unknown, codec: Codec): unknown {
  return codec.deserialize(codec.serialize(value))
}

/**
 * Encodes the value of a fold. Throws `INVALID_EVENT` for a value that the transformer, or JSON
 * without one, can't hold.
 */
export function foldText(
  value: unknown,
  { name, codec }: { readonly name: string; readonly codec: Codec },
): string {
  if (codec.output === undefined) checkJsonLoss({ name, what: 'value' }, value)
  return codec.serialize(value)
}

/** Throws `INVALID_OPTION` for a fold whose initial value can't be stored. */
export function checkInitial(
  fold: RunFold<unknown, unknown> | undefined,
  options: { readonly name: string; readonly codec: Codec },
): void {
  if (!fold) return
  try {
    foldText(fold.initial, options)
  } catch (cause) {
    const message = `fold.initial of run "${options.name}" can't be stored as JSON. Give plain JSON, or a transformer to createChannels.`
    throw new RealtimeError('INVALID_OPTION', message, { cause })
  }
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
