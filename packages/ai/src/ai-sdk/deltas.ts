import type { StandardSchemaV1 } from '@standard-schema/spec'
import { TRPCError } from '@trpc/server'
import {
  asSchema,
  readUIMessageStream,
  type UIMessage,
  type UIMessageChunk,
  uiMessageChunkSchema,
} from 'ai'
import { type ChunkDeltas, createChunkDeltas } from '../deltas.ts'
import type { AsJson } from '../follow.ts'
import { chunkText } from './chunk-text.ts'

/**
 * Returns `event` and `fold` of a run whose deltas are the UI message chunks of
 * `toUIMessageStream()`. Spread it into the options of `run()`. The fold joins the deltas of a
 * text, so that a late follower gets a few chunks in one frame.
 */
export function uiMessageDeltas(): ChunkDeltas<UIMessageChunk> {
  return createChunkDeltas(chunkText, validateChunk)
}

async function validateChunk(value: unknown): Promise<StandardSchemaV1.Result<UIMessageChunk>> {
  const result = await asSchema(uiMessageChunkSchema).validate?.(value)
  if (result?.success) return { value: result.value }
  return { issues: [{ message: result?.error.message ?? 'This is no UI message chunk.' }] }
}

/**
 * Passes the chunks of a message on, and throws for one of type `error`. The run is then `failed`,
 * and its followers get the text of that chunk. Without this, the SDK shows the same error, but the
 * run counts as `completed`.
 *
 * `onError` of `toUIMessageStream()` decides the text.
 */
export function failOnError<TChunk extends UIMessageChunk>(
  chunks: ReadableStream<TChunk>,
): ReadableStream<TChunk> {
  return chunks.pipeThrough(
    new TransformStream<TChunk, TChunk>({
      transform(chunk, controller) {
        if (chunk.type !== 'error') controller.enqueue(chunk)
        else throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: chunk.errorText })
      },
    }),
  )
}

/**
 * Converts a run's value to a message: `status().value`, or all its chunks. For a run that hasn't
 * finished, that is the message so far.
 *
 * @returns `undefined` if there are no chunks of a message.
 */
export async function toUIMessage<TMessage extends UIMessage = UIMessage>(
  chunks: readonly AsJson<UIMessageChunk>[],
): Promise<TMessage | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunkText.receive(chunk))
      controller.close()
    },
  })
  let message: TMessage | undefined
  for await (const next of readUIMessageStream<TMessage>({ stream })) message = next
  return message
}
