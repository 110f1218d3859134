/** The script that runs in the browser: a page of the adapter cases' app. */
import { createTRPCUntypedClient, httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'

const url = new URL(location.hash.slice(1), location.href).href
const gaps: unknown[] = []
const client = createTRPCUntypedClient({
  links: [
    sseLink({ url, headers: { 'x-user': 'ann' }, onGap: (gap) => gaps.push(gap) }),
    httpBatchLink({ url }),
  ],
})
const words: Record<string, string[]> = {}

function follow(topic: string): Promise<unknown> {
  const got: string[] = []
  words[topic] = got
  return new Promise((resolve, reject) => {
    const onData = (event: unknown): void => void got.push((event as { data: string }).data)
    client.subscription('nested.onWord', { topic }, { onStarted: resolve, onData, onError: reject })
  })
}

const page = {
  /** The words that have arrived in each topic. */
  words,
  gaps,
  /** Follows topics. Resolves when all subscriptions have started. */
  async follow(topics: readonly string[]): Promise<void> {
    await Promise.all(topics.map(follow))
  },
  /** Publishes a word in every topic. */
  async say(topics: readonly string[], word: string): Promise<void> {
    await Promise.all(topics.map((topic) => client.mutation('say', { topic, word })))
  },
  /** Subscribes to the user that the server recognizes in this page's requests. */
  whoami: (): Promise<unknown> =>
    new Promise((resolve, reject) =>
      client.subscription('onWhoami', undefined, { onData: resolve, onError: reject }),
    ),
}

export type AdapterPage = typeof page
Object.assign(globalThis, { page })
