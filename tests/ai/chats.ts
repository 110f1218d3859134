import { Chat } from '@ai-sdk/react'
import { createTRPCClient, httpLink, type TRPCClient, type TRPCLink } from '@trpc/client'
import { createChatTransport, type RunChatTransport } from '@trpc-sse/ai/ai-sdk'
import { sseLink } from '@trpc-sse/client'
import { lastAssistantMessageIsCompleteWithToolCalls, type UIMessage } from 'ai'
import type { AiRouter } from './app.ts'

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
  /** A link that precedes the others. */
  readonly link?: TRPCLink<AiRouter>
}

/** Opens a chat of the AI SDK on a server. */
export function openChat(url: string, options: ChatTabOptions = {}): ChatTab {
  const { chatId = 'chat', messages = [], link, continuesAfterTools = false } = options
  const client = createTRPCClient<AiRouter>({
    links: [
      ...(link ? [link] : []),
      sseLink({ url, retry: { baseMs: 10, maxMs: 100 } }),
      httpLink({ url }),
    ],
  })
  const transport = createChatTransport({
    start: ({ chatId, runId, messages }) => client.ask.mutate({ chatId, runId, messages }),
    follow: (run, observer) => client.onAnswer.subscribe(run, observer),
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
