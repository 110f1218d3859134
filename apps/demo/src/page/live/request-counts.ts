import { createStore } from './store.ts'

/** The connections and subscriptions that the requests of this page have opened. */
export interface RequestCounts {
  /** Open connections: one, or briefly two during a handover. */
  readonly connections: number
  /** Subscriptions on these connections: those of the last request that haven't completed. */
  readonly subscriptions: number
  /** The server instance at the other end. */
  readonly instance: string | undefined
  /** The number of connections that were opened. */
  readonly opened: number
  /** The number of changes to the set of subscriptions without a new connection. */
  readonly changed: number
}

export const requestCounts = createStore<RequestCounts>({
  connections: 0,
  subscriptions: 0,
  instance: undefined,
  opened: 0,
  changed: 0,
})

/** The number of this tab's subscriptions that have completed, which no request shows. */
export const completions = createStore(0)

/** Counts a subscription that has completed on the connection. */
export function countCompletion(): void {
  const now = requestCounts.get()
  requestCounts.set({ ...now, subscriptions: Math.max(0, now.subscriptions - 1) })
}

/** Counts a request for a connection, and its response. */
export function countRequest(
  response: Response,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal | null | undefined },
): void {
  const { pathname } = new URL(response.url)
  if (!response.ok || !pathname.endsWith('/~sse') || typeof body !== 'string' || signal?.aborted)
    return
  const now = requestCounts.get()
  const subscriptions = Object.keys(JSON.parse(body).subscriptions).length
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    requestCounts.set({ ...now, subscriptions, changed: now.changed + 1 })
    return
  }
  const instance = response.headers.get('x-instance') ?? undefined
  requestCounts.set({
    ...now,
    connections: now.connections + 1,
    subscriptions,
    instance,
    opened: now.opened + 1,
  })
  // The link aborts every request it has finished with, including broken ones.
  signal?.addEventListener('abort', countEnd, { once: true })
}

function countEnd(): void {
  const now = requestCounts.get()
  const connections = now.connections - 1
  requestCounts.set({
    ...now,
    connections,
    subscriptions: connections === 0 ? 0 : now.subscriptions,
  })
}
