import { Chat } from '@ai-sdk/react'
import { createTRPCClient, httpLink, type TRPCClient, type TRPCLink } from '@trpc/client'
import { createChatTransport, type RunChatTransport } from '@trpc-sse/ai/ai-sdk'
import { sseLink } from '@trpc-sse/client'
import { lastAssistantMessageIsCompleteWithToolCalls, type UIMessage } from 'ai'
import { expect } from 'vitest'
import { type AiApp, type AiRouter, createAiApp } from './app.ts'
import { type ChatServers, type Store, startChatServers } from './chat-servers.ts'
import { createScriptedModel, type ScriptedModel } from './model.ts'

/** Servers of chats, and the model that answers in them. */
export type ScriptedChats = ChatServers<AiApp> & ScriptedModel

/** Starts servers of chats with a scripted model. */
export async function startChats(store: Store): Promise<ScriptedChats> {
  const script = createScriptedModel()
  const servers = await startChatServers(store, (redisUrl) => createAiApp(script.model, redisUrl))
  return { ...script, ...servers }
}

/** A chat that is being answered. */
export interface AskedChat {
  readonly tab: ChatTab
  /** Settles when the answer has ended. */
  readonly sent: Promise<void>
}

/** Asks a question in a new tab. Resolves once it shows the start of the answer. */
export async function ask(
  chats: ScriptedChats,
  start: string,
  options: ChatTabOptions = {},
): Promise<AskedChat> {
  const tab = openChat(chats.asked, options)
  const sent = tab.chat.sendMessage(question)
  chats.say(start)
  await expect.poll(tab.answer).toBe(start)
  return { tab, sent }
}

/** The question of these chats. */
export const question = { text: 'Why?' }

/** Opens a chat again on the other server, with messages of its first tab, and resumes. */
export function reopen(
  chats: ScriptedChats,
  messages: readonly UIMessage[],
): { readonly tab: ChatTab; readonly resumed: Promise<void> } {
  const tab = openChat(chats.other, { messages: structuredClone([...messages]) })
  return { tab, resumed: tab.chat.resumeStream() }
}

/** Returns the messages of a tab as a reloaded page gets them during an answer. */
export function asked({ chat }: ChatTab): UIMessage[] {
  return chat.messages.filter(({ role }) => role === 'user')
}

/** A chat in a separate tab. */
export interface ChatTab {
  readonly client: TRPCClient<AiRouter>
  readonly transport: RunChatTransport<UIMessage>
  readonly chat: Chat<UIMessage>
  /** The text of the last message, if it is an answer. */
  answer(): string
}

/** The options of a chat tab. */
export interface ChatTabOptions {
  readonly chatId?: string
  readonly messages?: UIMessage[]
  /** Whether the chat sends the results of tools by itself. */
  readonly continuesAfterTools?: boolean
  /** How long it waits for an answer to begin. */
  readonly waitForStartMs?: number
  /** A link that precedes the others. */
  readonly link?: TRPCLink<AiRouter>
}

/** Opens a chat of the AI SDK on a server. */
export function openChat(url: string, options: ChatTabOptions = {}): ChatTab {
  const { chatId = 'chat', messages = [], link, continuesAfterTools = false } = options
  const wait = options.waitForStartMs !== undefined && { waitForStartMs: options.waitForStartMs }
  const client = createTRPCClient<AiRouter>({
    links: [
      ...(link ? [link] : []),
      sseLink({ url, retry: { baseMs: 10, maxMs: 100 } }),
      httpLink({ url }),
    ],
  })
  const transport = createChatTransport({
    start: ({ chatId, runId, messages }) => client.ask.mutate({ chatId, runId, messages }),
    follow: (run, observer) => client.onAnswer.subscribe({ ...run, ...wait }, observer),
    stop: (run) => client.stop.mutate(run),
    findRun: (chatId) => client.findRun.query({ chatId }),
  })
  const chat = new Chat<UIMessage>({
    id: chatId,
    messages,
    transport,
    ...(continuesAfterTools && {
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    }),
  })
  return { client, transport, chat, answer: () => textOf(chat.lastMessage) }
}

function textOf(message: UIMessage | undefined): string {
  if (message?.role !== 'assistant') return ''
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
