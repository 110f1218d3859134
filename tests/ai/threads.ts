import {
  type AnyTextAdapter,
  chat,
  EventType,
  type ModelMessage,
  type UIMessage,
} from '@tanstack/ai'
import { ChatClient } from '@tanstack/ai-client'
import { createTRPCClient, httpLink } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { createRunConnection, failOnError, streamDeltas } from '@trpc-sse/ai/tanstack'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels, memoryBackend, run } from '@trpc-sse/server'
import superjson from 'superjson'
import { expect } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'
import { type Store, startChatServers } from './chat-servers.ts'

/** The next step of a scripted model: it sends a text, fails, or ends its answer. */
type Order = { readonly text: string } | { readonly error: string } | 'end'

/** Creates a model whose answers the test controls. */
function createScriptedAdapter() {
  const orders = createInbox<Order>()
  const calls = createInbox<AbortSignal | undefined>()
  const adapter: AnyTextAdapter = {
    kind: 'text',
    name: 'scripted',
    model: 'scripted',
    '~types': {} as AnyTextAdapter['~types'],
    async *chatStream({ runId = '', threadId = '', request }) {
      calls.put(request?.signal ?? undefined)
      const messageId = `answer ${runId}`
      yield { type: EventType.RUN_STARTED, runId, threadId }
      yield { type: EventType.TEXT_MESSAGE_START, messageId, role: 'assistant' }
      for (;;) {
        const order = await orders.take()
        if (order === 'end') break
        if ('error' in order) {
          yield { type: EventType.RUN_ERROR, message: order.error, runId, threadId }
          return
        }
        yield { type: EventType.TEXT_MESSAGE_CONTENT, messageId, delta: order.text }
      }
      yield { type: EventType.TEXT_MESSAGE_END, messageId }
      yield { type: EventType.RUN_FINISHED, runId, threadId, finishReason: 'stop' }
    },
    async structuredOutput() {
      throw new Error('It has only text.')
    },
  }
  return {
    adapter,
    calls,
    say: (text: string) => orders.put({ text }),
    fail: (error: string) => orders.put({ error }),
    end: () => orders.put('end'),
  }
}

// Messages of TanStack AI have dates.
const transformer = superjson
const t = initTRPC.create({ transformer })
const answer = z.object({ runId: z.string() })
const thread = z.object({ threadId: z.string() })

function createApp(adapter: AnyTextAdapter, redisUrl: string | undefined) {
  const channels = createChannels({
    transformer,
    backend: redisUrl === undefined ? memoryBackend() : redisBackend({ url: redisUrl }),
    channels: {
      /** Each turn of a chat: the messages up to a question, and the run that answers. */
      turns: channel({
        params: thread,
        event: z.object({ runId: z.string(), messages: z.array(z.custom<UIMessage>()) }),
      }),
      answer: run({ params: answer, ...streamDeltas(), leaseMs: 1_000 }),
    },
    onError() {},
  })
  const statuses: string[] = []
  const router = t.router({
    ask: t.procedure
      .input(
        answer.merge(thread).extend({
          messages: z.array(z.custom<UIMessage>()),
        }),
      )
      .mutation(async ({ input: { threadId, runId, messages } }) => {
        await channels.turns({ threadId }).publish({ runId, messages }, { idempotencyKey: runId })
        void channels
          .answer({ runId })
          .produce(({ signal }) => {
            const abortController = new AbortController()
            signal.addEventListener('abort', () => abortController.abort())
            return failOnError(chat({ adapter, messages, threadId, runId, abortController }))
          })
          .then(({ status }) => statuses.push(status))
      }),
    stop: t.procedure.input(answer).mutation(({ input }) => channels.answer(input).stop()),
    onAnswer: t.procedure
      .input(answer)
      .subscription((opts) => channels.answer(opts.input).follow(opts)),
    thread: t.procedure.input(thread).query(async ({ input }) => {
      const turn = (await channels.turns(input).history({ last: 1 })).events[0]?.data
      if (!turn) return { messages: [], activeRun: null }
      return { messages: turn.messages, activeRun: { runId: turn.runId } }
    }),
  })
  return { channels, router, statuses }
}

type Router = ReturnType<typeof createApp>['router']

function isUIMessages(messages: UIMessage[] | ModelMessage[]): messages is UIMessage[] {
  return messages.every((message) => 'parts' in message)
}

/** Opens a thread in a separate tab. */
export function openThread(url: string) {
  const client = createTRPCClient<Router>({
    links: [
      sseLink({ url, transformer, retry: { baseMs: 10, maxMs: 100 } }),
      httpLink({ url, transformer }),
    ],
  })
  const connection = createRunConnection({
    async start({ threadId, runId, messages }) {
      if (isUIMessages(messages)) await client.ask.mutate({ threadId, runId, messages })
    },
    follow: (run, observer) => client.onAnswer.subscribe(run, observer),
    stop: (run) => client.stop.mutate(run),
    async hydrate(threadId) {
      const { messages, activeRun } = await client.thread.query({ threadId })
      return { messages, activeRun, interrupts: null }
    },
  })
  const chatClient = new ChatClient({ connection, threadId: 'thread', persistence: true })
  chatClient.attach()
  return {
    client,
    connection,
    chat: chatClient,
    answer(): string {
      const last = chatClient.getMessages().at(-1)
      if (last?.role !== 'assistant') return ''
      return last.parts.map((part) => (part.type === 'text' ? part.content : '')).join('')
    },
  }
}

/** Starts servers of threads with a scripted model. */
export async function startThreads(store: Store) {
  const script = createScriptedAdapter()
  const servers = await startChatServers(store, (redisUrl) => createApp(script.adapter, redisUrl))
  return { ...script, ...servers }
}

/** Asks a question in a new tab. Resolves once it shows the start of the answer. */
export async function askThread(
  threads: Awaited<ReturnType<typeof startThreads>>,
  ...words: readonly string[]
) {
  const tab = openThread(threads.asked)
  const sent = tab.chat.sendMessage('Why?')
  for (const word of words) threads.say(word)
  await expect.poll(tab.answer).toBe(words.join(''))
  return { tab, sent }
}
