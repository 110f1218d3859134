import type { TRPCDataTransformer } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../user-code/calls.ts'
import { outputOf, type Transformer } from './transformer.ts'

/** Turns events into the JSON text that is stored and sent, and back. */
export interface Codec {
  /** The transformer's output side; `undefined` without a transformer. Names the codec: same output, same text. */
  readonly output: TRPCDataTransformer | undefined
  /** Throws `INVALID_EVENT` for a value that JSON can't hold. */
  serialize(value: unknown): string
  /** Throws `UNDECODABLE_EVENT`. */
  deserialize(text: string): unknown
}

/** Writes a value as JSON, by a transformer's output side. `undefined` where JSON has no text for it. */
export function serialize(
  output: TRPCDataTransformer | undefined,
  value: unknown,
): string | undefined {
  if (output === undefined) return JSON.stringify(value)
  return JSON.stringify(mustBeValue(output.serialize(value), 'The transformer’s serialize()'))
}

/** Creates the codec of a transformer; without one, values are plain JSON. */
export function createCodec(transformer: Transformer | undefined): Codec {
  const output = outputOf(transformer)
  return {
    output,
    serialize: (value) => toJson(output, value),
    deserialize(text) {
      try {
        const json: unknown = JSON.parse(text)
        return output
          ? mustBeValue(output.deserialize(json), 'The transformer’s deserialize()')
          : json
      } catch (cause) {
        throw new RealtimeError(
          'UNDECODABLE_EVENT',
          'A stored payload is not what this transformer writes.',
          { cause },
        )
      }
    },
  }
}

function toJson(output: TRPCDataTransformer | undefined, value: unknown): string {
  let text: string | undefined
  try {
    text = serialize(output, value)
  } catch (cause) {
    throw new RealtimeError(
      'INVALID_EVENT',
      'The event has a part that JSON cannot hold. Use a transformer.',
      { cause },
    )
  }
  // JSON.stringify has no text for `undefined`, functions and symbols.
  if (text === undefined) {
    throw new RealtimeError(
      'INVALID_EVENT',
      'The event is undefined. Publish null if it has nothing to say.',
    )
  }
  return text
}
