import { createTRPCClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import superjson from 'superjson'
import type { AppRouter } from '../../server/router.ts'
import { headers, network } from '../live/client.ts'
import { createStore } from '../live/store.ts'

/** Streams that the visitor has opened to reach a limit. */
export interface OpenStreams {
  /** `failed`: a stream couldn't be opened or was lost, but not because of a limit. */
  readonly status: 'idle' | 'opening' | 'refused' | 'failed'
  readonly open: number
  /** The error of the stream that was refused. */
  readonly error: { readonly code: string; readonly message: string } | undefined
}

const none: OpenStreams = { status: 'idle', open: 0, error: undefined }

export const openStreams = createStore<OpenStreams>(none)

/** A client of its own, which opens a stream for each subscription and doesn't retry. */
const client = createTRPCClient<AppRouter>({
  links: [
    sseLink({
      url: '/trpc',
      mode: 'single',
      retry: false,
      transformer: superjson,
      headers,
      fetch: network.fetch,
    }),
  ],
})

let subscriptions: Array<{ unsubscribe(): void }> = []

/** Opens one stream after the other, until the server refuses one. */
export function openUntilRefused(): void {
  openStreams.set({ ...none, status: 'opening' })
  openAnother()
}

/** Closes the streams. */
export function closeStreams(): void {
  for (const { unsubscribe } of subscriptions) unsubscribe()
  subscriptions = []
  openStreams.set(none)
}

function openAnother(): void {
  const subscription = client.limits.onNothing.subscribe(undefined, {
    onStarted() {
      const { status, open } = openStreams.get()
      // A stream that comes back, or fails after its start, opens no other one.
      if (status !== 'opening') return
      openStreams.set({ ...openStreams.get(), open: open + 1 })
      openAnother()
    },
    onError({ data, message }) {
      if (data) {
        const error = { code: data.code, message }
        openStreams.set({ ...openStreams.get(), status: 'refused', error })
      } else {
        closeStreams()
        openStreams.set({ ...none, status: 'failed' })
      }
    },
  })
  subscriptions.push(subscription)
}
