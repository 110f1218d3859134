import { initTRPC } from '@trpc/server'
import { failOnError, toUIMessage, uiMessageDeltas } from '@trpc-sse/ai/ai-sdk'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend, run } from '@trpc-sse/server'
import {
  convertToModelMessages,
  isStepCount,
  type LanguageModel,
  streamText,
  tool,
  toUIMessageStream,
  type UIMessage,
} from 'ai'
import { z } from 'zod'

const t = initTRPC.create()
const chat = z.object({ chatId: z.string() })
const answer = chat.extend({ runId: z.string() })

const tools = {
  weather: tool({
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => ({ city, celsius: 21 }),
  }),
  /** A tool that runs in the browser. */
  confirm: tool({ inputSchema: z.object({ what: z.string() }), outputSchema: z.boolean() }),
}

/** Creates a server that answers in chats, on a Redis or in memory. */
export function createAiApp(model: LanguageModel, redisUrl?: string) {
  const channels = createChannels({
    backend: redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl }),
    channels: {
      /** The ids of a chat's runs. */
      runs: channel({ params: chat, event: z.string() }),
      answer: run({ params: answer, ...uiMessageDeltas(), leaseMs: 1_000 }),
    },
    onError() {},
  })
  const results: { readonly runId: string; readonly status: string }[] = []
  const router = t.router({
    ask: t.procedure
      .input(answer.extend({ messages: z.array(z.custom<UIMessage>()) }))
      .mutation(async ({ input: { chatId, runId, messages } }) => {
        const prompt = await convertToModelMessages(messages)
        await channels.runs({ chatId }).publish(runId, { idempotencyKey: runId })
        void channels
          .answer({ chatId, runId })
          .produce(({ signal }) => {
            const { stream } = streamText({
              model,
              tools,
              stopWhen: isStepCount(2),
              messages: prompt,
              abortSignal: signal,
              maxRetries: 0,
              onError() {},
            })
            return failOnError(
              toUIMessageStream({
                stream,
                originalMessages: messages,
                generateMessageId: () => runId,
                onError: (error) => (error instanceof Error ? error.message : 'unknown'),
              }),
            )
          })
          .then(({ status }) => results.push({ runId, status }))
      }),
    stop: t.procedure.input(answer).mutation(({ input }) => channels.answer(input).stop()),
    onAnswer: t.procedure
      .input(answer.extend({ waitForStartMs: z.number().default(60_000) }))
      .subscription((opts) => {
        const { waitForStartMs, ...run } = opts.input
        return channels.answer(run).follow({ ...opts, waitForStartMs })
      }),
    findRun: t.procedure.input(chat).query(async ({ input }) => {
      const { events } = await channels.runs(input).history({ last: 1 })
      return events[0]?.data ?? null
    }),
    message: t.procedure.input(answer).query(async ({ input }) => {
      const { status, value } = await channels.answer(input).status()
      return { status, message: await toUIMessage(value) }
    }),
  })
  return { channels, router, results }
}

export type AiApp = ReturnType<typeof createAiApp>
export type AiRouter = AiApp['router']
