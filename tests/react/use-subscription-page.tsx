/** A page with both kinds of tRPC's own hooks, through our link. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createTRPCClient, httpLink } from '@trpc/client'
import { createTRPCReact } from '@trpc/react-query'
import { createTRPCOptionsProxy, useSubscription } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import { type ReactNode, StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import type { WordsRouter } from './words-app.ts'

const url = '/trpc'
const links = () => [
  sseLink<WordsRouter>({ url, retry: { baseMs: 20, maxMs: 100 } }),
  httpLink({ url }),
]
const queryClient = new QueryClient()
const client = createTRPCClient<WordsRouter>({ links: links() })
const options = createTRPCOptionsProxy<WordsRouter>({ client, queryClient })
const classic = createTRPCReact<WordsRouter>()
const classicClient = classic.createClient({ links: links() })

/** The part of both hooks' results that the page shows. */
interface Shown {
  readonly status: string
  readonly data: { readonly data: string } | undefined
  readonly error: { readonly message: string } | null
  reset(): void
}

const seen: string[] = []

type Hook = (topic: string, enabled: boolean, onData: (event: { data: string }) => void) => Shown

const hooks: Readonly<Record<'classic' | 'tanstack', Hook>> = {
  tanstack: (topic, enabled, onData) =>
    useSubscription(options.onWord.subscriptionOptions({ topic }, { enabled, onData })),
  classic: (topic, enabled, onData) =>
    classic.onWord.useSubscription({ topic }, { enabled, onData }),
}

function Words({
  hook,
  topic,
  enabled,
}: {
  hook: Hook
  topic: string
  enabled: boolean
}): ReactNode {
  const { status, data, error, reset } = hook(topic, enabled, (event) => seen.push(event.data))
  return (
    <p>
      <span>{`${status} ${data?.data ?? '-'} ${error?.message ?? '-'}`}</span>
      <button type="button" onClick={reset}>
        reset
      </button>
    </p>
  )
}

const change: { to(topic: string, enabled?: boolean): void } = { to() {} }

/** Two components with the same subscription. */
function Page({ hook }: { hook: Hook }): ReactNode {
  const [{ topic, enabled }, set] = useState({ topic: 'a', enabled: true })
  change.to = (next, on = true) => set({ topic: next, enabled: on })
  return (
    <>
      <Words hook={hook} topic={topic} enabled={enabled} />
      <Words hook={hook} topic={topic} enabled={enabled} />
    </>
  )
}

const page = {
  seen,
  change: (topic: string, enabled: boolean): void => change.to(topic, enabled),
  mount(kind: 'classic' | 'tanstack'): void {
    const root = document.body.appendChild(document.createElement('main'))
    createRoot(root).render(
      <StrictMode>
        <classic.Provider client={classicClient} queryClient={queryClient}>
          <QueryClientProvider client={queryClient}>
            <Page hook={hooks[kind]} />
          </QueryClientProvider>
        </classic.Provider>
      </StrictMode>,
    )
  },
}

export type HooksPage = typeof page

Object.assign(globalThis, { page })
