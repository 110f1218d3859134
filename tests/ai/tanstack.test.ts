import {
  type AnyTextAdapter,
  chat,
  EventType,
  type ModelMessage,
  type StreamChunk,
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
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'

/** The next step of a scripted model: it sends a text, fails, or ends its answer. */
type Order = { readonly text: string } | { readonly error: string } | 'end'

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

function createApp(
  adapter: AnyTextAdapter,
  redis?: { readonly url: string; readonly prefix: string },
) {
  const channels = createChannels({
    transformer,
    backend: redis ? redisBackend({ url: redis.url }, { prefix: redis.prefix }) : memoryBackend(),
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

function openThread(url: string) {
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
    connection,
    chat: chatClient,
    answer(): string {
      const last = chatClient.getMessages().at(-1)
      if (last?.role !== 'assistant') return ''
      return last.parts.map((part) => (part.type === 'text' ? part.content : '')).join('')
    },
  }
}

let redis: RedisServer | undefined
let count = 0
afterAll(() => redis?.[Symbol.asyncDispose]())

async function openPlace(backend: 'memory' | 'Redis') {
  const stack = new AsyncDisposableStack()
  const script = createScriptedAdapter()
  if (backend === 'Redis') redis ??= await startRedis()
  const shared =
    backend === 'Redis' && redis ? { url: redis.url, prefix: `thread${count++}` } : undefined
  const open = async () => {
    const app = createApp(script.adapter, shared)
    stack.defer(() => app.channels.close())
    const options = { channels: app.channels } as never
    return { app, url: stack.use(await serveRouter(app.router, options)).url }
  }
  const asked = await open()
  const other = shared ? await open() : asked
  const dispose = (): Promise<void> => stack.disposeAsync()
  return {
    ...script,
    app: asked.app,
    asked: asked.url,
    other: other.url,
    [Symbol.asyncDispose]: dispose,
  }
}

describe.each(['memory', 'Redis'] as const)('a chat of TanStack AI, on %s,', (backend) => {
  it('shows an answer as it arrives, to its end', async () => {
    await using place = await openPlace(backend)
    const tab = openThread(place.asked)
    const sent = tab.chat.sendMessage('Why?')
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    place.say('of that.')
    place.end()
    await sent
    expect(tab.answer()).toBe('Because of that.')
    expect([tab.chat.getStatus(), tab.chat.getError()]).toEqual(['ready', undefined])
    expect(place.calls.items).toHaveLength(1)
  })

  it('is opened again in the middle, in another tab, and has the same answer', async () => {
    await using place = await openPlace(backend)
    const first = openThread(place.asked)
    const sent = first.chat.sendMessage('Why?')
    for (const word of ['Because ', 'of ']) place.say(word)
    await expect.poll(first.answer).toBe('Because of ')
    const second = openThread(place.other)
    await expect.poll(second.answer).toBe('Because of ')
    place.say('that.')
    place.end()
    await sent
    await expect.poll(second.chat.getStatus.bind(second.chat)).toBe('ready')
    expect(second.answer()).toBe('Because of that.')
  })

  it('is stopped from another tab: both are ready, and keep what they have', async () => {
    await using place = await openPlace(backend)
    const first = openThread(place.asked)
    const sent = first.chat.sendMessage('Why?')
    place.say('Because ')
    await expect.poll(first.answer).toBe('Because ')
    const second = openThread(place.other)
    await expect.poll(second.answer).toBe('Because ')
    await second.connection.stop()
    await sent
    await expect.poll(() => second.chat.getStatus()).toBe('ready')
    expect([first.answer(), second.answer()]).toEqual(['Because ', 'Because '])
    const signal = await place.calls.take()
    await expect.poll(() => signal?.aborted).toBe(true)
    await expect.poll(() => place.app.statuses).toEqual(['stopped'])
  })

  it('is left by a tab that closes, and its run continues', async () => {
    await using place = await openPlace(backend)
    const first = openThread(place.asked)
    void first.chat.sendMessage('Why?')
    place.say('Because ')
    await expect.poll(first.answer).toBe('Because ')
    first.chat.detach()
    place.say('of that.')
    const second = openThread(place.other)
    await expect.poll(second.answer).toBe('Because of that.')
    place.end()
    await expect.poll(() => second.chat.getStatus()).toBe('ready')
    await expect.poll(() => place.app.statuses).toEqual(['completed'])
  })

  it('has an error if the model fails, and keeps what came before', async () => {
    await using place = await openPlace(backend)
    const tab = openThread(place.asked)
    const sent = tab.chat.sendMessage('Why?')
    place.say('Because ')
    await expect.poll(tab.answer).toBe('Because ')
    place.fail('The model is overloaded.')
    await sent
    expect(tab.chat.getStatus()).toBe('error')
    expect(tab.chat.getError()?.message).toBe('The model is overloaded.')
    expect(tab.answer()).toBe('Because ')
    await expect.poll(() => place.app.statuses).toEqual(['failed'])
    const late = openThread(place.other)
    await expect.poll(() => late.chat.getError()?.message).toBe('The model is overloaded.')
    expect(late.answer()).toBe('Because ')
  })

  it('joins a run whose deltas are joined in its value', async () => {
    await using place = await openPlace(backend)
    const tab = openThread(place.asked)
    const sent = tab.chat.sendMessage('Why?')
    for (let n = 0; n < 300; n++) place.say(`${n} `)
    place.end()
    await sent
    const chunks: StreamChunk[] = []
    const runId = (
      await createTRPCClient<Router>({
        links: [httpLink({ url: place.other, transformer })],
      }).thread.query({
        threadId: 'thread',
      })
    ).activeRun?.runId
    for await (const chunk of openThread(place.other).connection.joinRun(`${runId}`))
      chunks.push(chunk)
    expect(chunks.map(({ type }) => type)).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ])
  })
})
