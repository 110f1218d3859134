import type { TRPCDataTransformer } from '@trpc/server'
import { RealtimeError } from '@trpc-sse/protocol'
import { mustBeValue } from '../user-code/calls.ts'
import { outputOf, type Transformer } from './transformer.ts'

/** Encodes events as the JSON text that is stored and sent, and decodes that text. */
export interface Codec {
  /**
   * The output side of the transformer; `undefined` if there is none. Codecs with the same output
   * side are equal.
   */
  readonly output: TRPCDataTransformer | undefined
  /** Throws `INVALID_EVENT` for a value that can't be written as JSON. */
  serialize(value: unknown): string
  /** Throws `UNDECODABLE_EVENT` for a text that can't be decoded. */
  deserialize(text: string): unknown
}

/** Transforms a value and writes it as JSON. Returns `undefined` for a value that JSON omits. */
export function serialize(
  output: TRPCDataTransformer | undefined,
  value: unknown,
): string | undefined {
  if (output === undefined) return JSON.stringify(value)
  return JSON.stringify(mustBeValue(output.serialize(value), 'The transformer’s serialize()'))
}

/** Creates a codec with a transformer. Without one, values are plain JSON. */
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
          'A stored payload was not written by this transformer. Use one transformer for all that publish to a channel.',
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
      "The event has a part that JSON can't hold. Use a transformer.",
      { cause },
    )
  }
  // JSON.stringify returns `undefined` for `undefined`, functions and symbols.
  if (text === undefined) {
    throw new RealtimeError('INVALID_EVENT', 'The event is undefined. Publish null instead.')
  }
  return text
}
