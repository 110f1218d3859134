import type { UIMessageChunk } from 'ai'
import type { TextFormat } from '../text-parts.ts'

/** Reads and writes the text of UI message chunks. */
export const chunkText: TextFormat<UIMessageChunk> = {
  read(chunk) {
    switch (chunk.type) {
      case 'text-delta':
      case 'reasoning-delta':
        return { part: `${chunk.type} ${chunk.id}`, text: chunk.delta }
      case 'tool-input-delta':
        return { part: `${chunk.type} ${chunk.toolCallId}`, text: chunk.inputTextDelta }
      default:
        return undefined
    }
  },
  write(chunk, text) {
    switch (chunk.type) {
      case 'text-delta':
      case 'reasoning-delta':
        return { ...chunk, delta: text }
      case 'tool-input-delta':
        return { ...chunk, inputTextDelta: text }
      default:
        return chunk
    }
  },
  receive: (chunk) => chunk as UIMessageChunk,
}
