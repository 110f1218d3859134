import { createStore } from './store.ts'

/** What this page has on the wire. */
export interface Wire {
  /** Those that are open: one, or for a moment two while one takes over from the other. */
  readonly connections: number
  /** Subscriptions on them, as they were last asked for. */
  readonly subscriptions: number
  /** The server instance at the other end. */
  readonly instance: string | undefined
  /** How often one was opened. */
  readonly opened: number
  /** How often the subscriptions of an open one were changed. */
  readonly changed: number
}

export const wire = createStore<Wire>({
  connections: 0,
  subscriptions: 0,
  instance: undefined,
  opened: 0,
  changed: 0,
})

/** Takes down a request and its answer, if they are about a connection. */
export function noteOnWire(
  response: Response,
  { body, signal }: { readonly body?: unknown; readonly signal?: AbortSignal | null | undefined },
): void {
  const { pathname } = new URL(response.url)
  if (!response.ok || !pathname.endsWith('/~sse') || typeof body !== 'string' || signal?.aborted)
    return
  const now = wire.get()
  const subscriptions = Object.keys(JSON.parse(body).subscriptions).length
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    wire.set({ ...now, subscriptions, changed: now.changed + 1 })
    return
  }
  const instance = response.headers.get('x-instance') ?? undefined
  wire.set({
    ...now,
    connections: now.connections + 1,
    subscriptions,
    instance,
    opened: now.opened + 1,
  })
  // The link aborts whatever it has done with, also what broke off.
  signal?.addEventListener('abort', noteEnd, { once: true })
}

function noteEnd(): void {
  const now = wire.get()
  const connections = now.connections - 1
  wire.set({ ...now, connections, subscriptions: connections === 0 ? 0 : now.subscriptions })
}
