import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { StreamChunk } from '@tanstack/ai'
import { TRPCError } from '@trpc/server'
import { type ChunkDeltas, createChunkDeltas } from '../deltas.ts'
import { chunkText } from './chunk-text.ts'

/**
 * Returns `event` and `fold` of a run whose deltas are chunks of `chat()`. Spread it into the
 * options of `run()`. The fold joins the deltas of a text, so that a late follower gets a few chunks
 * in one frame.
 */
export function streamDeltas(): ChunkDeltas<StreamChunk> {
  return createChunkDeltas(chunkText, validateChunk)
}

function validateChunk(value: unknown): StandardSchemaV1.Result<StreamChunk> {
  if (isChunk(value)) return { value }
  return { issues: [{ message: 'This is no chunk of TanStack AI: it has no `type`.' }] }
}

/**
 * Checks a chunk. TanStack AI has no schema of its chunks, and its own transports don't check them.
 */
function isChunk(value: unknown): value is StreamChunk {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
  )
}

/**
 * Passes chunks on, and throws for one of type `RUN_ERROR`. The run is then `failed`, and its
 * followers get the message of that chunk. Without this, the run counts as `completed`.
 */
export async function* failOnError(
  chunks: AsyncIterable<StreamChunk>,
): AsyncGenerator<StreamChunk, void> {
  for await (const chunk of chunks) {
    if (chunk.type === 'RUN_ERROR')
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: chunk.message })
    yield chunk
  }
}
