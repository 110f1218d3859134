import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ChunkFold, createChunkFold, type TextFormat } from './text-parts.ts'

/** The options `event` and `fold` of a run whose deltas are the chunks of an SDK. */
export interface ChunkDeltas<TChunk> {
  readonly event: StandardSchemaV1<TChunk>
  readonly fold: ChunkFold<TChunk>
}

/** Creates these options. `validate` checks one chunk. */
export function createChunkDeltas<TChunk>(
  format: TextFormat<TChunk>,
  validate: StandardSchemaV1.Props<TChunk>['validate'],
): ChunkDeltas<TChunk> {
  return {
    event: { '~standard': { version: 1, vendor: '@trpc-sse/ai', validate } },
    fold: createChunkFold(format),
  }
}
