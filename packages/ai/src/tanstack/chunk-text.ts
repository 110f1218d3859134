import type { StreamChunk } from '@tanstack/ai'
import type { TextFormat } from '../text-parts.ts'

/** Reads and writes the text of TanStack AI's chunks. */
export const chunkText: TextFormat<StreamChunk> = {
  read(chunk) {
    switch (chunk.type) {
      case 'TEXT_MESSAGE_CONTENT':
      case 'REASONING_MESSAGE_CONTENT':
        return { part: partOf(chunk, chunk.messageId), text: chunk.delta }
      case 'TOOL_CALL_ARGS':
        return { part: partOf(chunk, chunk.toolCallId), text: chunk.delta }
      default:
        return undefined
    }
  },
  write(chunk, text) {
    switch (chunk.type) {
      case 'TEXT_MESSAGE_CONTENT':
      case 'REASONING_MESSAGE_CONTENT':
      case 'TOOL_CALL_ARGS':
        return { ...chunk, delta: text }
      default:
        return chunk
    }
  },
  receive: (chunk) => chunk as StreamChunk,
}

/**
 * Metadata of chunks is merged into the message, so only chunks with equal metadata can be joined.
 */
function partOf(chunk: StreamChunk, id: string): string {
  const metadata = 'metadata' in chunk ? JSON.stringify(chunk.metadata) : ''
  return `${chunk.type} ${id} ${metadata}`
}
