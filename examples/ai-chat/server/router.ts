import { initTRPC } from '@trpc/server'
import { failOnError } from '@trpc-sse/ai/ai-sdk'
import { convertToModelMessages, streamText, toUIMessageStream } from 'ai'
import { z } from 'zod'
import { channels, chat, chatRun, question, transformer } from './channels.ts'
import { model } from './model.ts'
import { readTranscript } from './transcript.ts'

const t = initTRPC.create({ transformer })

// Anyone who knows a chat's id may do everything here. In your app, check whose chat it is.
export const appRouter = t.router({
  chat: t.procedure.input(chat).query(({ input }) => readTranscript(input.chatId)),

  /**
   * Starts an answer. The client chooses the run's id, so a request that is sent twice calls the
   * model once.
   */
  ask: t.procedure
    .input(chatRun.extend({ question }))
    .mutation(async ({ input: { chatId, runId, question } }) => {
      await channels.turns({ chatId }).publish({ runId, question }, { idempotencyKey: runId })
      // Not awaited: the mutation returns, and the run continues.
      answer(chatId, runId).catch((error: unknown) => console.error(error))
    }),

  stop: t.procedure.input(chatRun).mutation(({ input }) => channels.answer(input).stop()),

  /** If the server stops after it has stored a question, nobody starts its answer. */
  onAnswer: t.procedure
    .input(chatRun)
    .subscription((opts) =>
      channels.answer(opts.input).follow({ ...opts, waitForStartMs: 10_000 }),
    ),

  /** Sends each question, so that open tabs show questions from other tabs. */
  onTurn: t.procedure
    .input(chat.extend({ lastEventId: z.string().nullable() }))
    .subscription((opts) => {
      const { chatId, lastEventId } = opts.input
      const start = lastEventId === null ? {} : { lastEventId }
      return channels.turns({ chatId }).subscribe({ ...opts, ...start })
    }),
})

export type AppRouter = typeof appRouter

async function answer(chatId: string, runId: string): Promise<void> {
  const run = channels.answer({ chatId, runId })
  const { status, error } = await run.produce(async ({ signal }) => {
    const { messages } = await readTranscript(chatId)
    const prompt = await convertToModelMessages(messages)
    const { stream } = streamText({ model, messages: prompt, abortSignal: signal, onError() {} })
    return failOnError(
      toUIMessageStream({
        stream,
        generateMessageId: () => runId,
        onError: () => 'The model reported an error.',
      }),
    )
  })
  if (error) console.error(`${runId} ${status}:`, error)
}
