import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { createChatTransport } from '@trpc-sse/ai/ai-sdk'
import { sseLink } from '@trpc-sse/client'
import type { UIMessage } from 'ai'
import superjson from 'superjson'
import type { AppRouter } from '../server/router.ts'

const options = { url: '/trpc', transformer: superjson }
export const client = createTRPCClient<AppRouter>({
  links: [sseLink(options), httpBatchLink(options)],
})

/** The runs that this page has started. */
export const ownRuns = new Set<string>()

export const transport = createChatTransport({
  start({ chatId, runId, messages }) {
    ownRuns.add(runId)
    const asked = messages.findLast(({ role }) => role === 'user')
    const question = { id: asked?.id ?? '', text: asked ? textOf(asked) : '' }
    return client.ask.mutate({ chatId, runId, question })
  },
  follow: (run, observer) => client.onAnswer.subscribe(run, observer),
  stop: (run) => client.stop.mutate(run),
  findRun: async (chatId) => (await client.chat.query({ chatId })).runId,
})

export function textOf({ parts }: UIMessage): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
}
