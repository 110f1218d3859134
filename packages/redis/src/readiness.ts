import type { Cluster, Redis } from 'ioredis'

/** Knows whether commands can be sent. */
export interface Readiness {
  /** Whether they can be now. */
  isReady(): boolean
  /** Resolves when commands can be sent, or the signal aborts. Opens the connection if need be. */
  ready(signal: AbortSignal): Promise<void>
  /** The newest error of the connection. */
  lastError(): unknown
}

/** Watches a client that is not connected yet. */
export function createReadiness(client: Redis | Cluster, onError: (error: unknown) => void): Readiness {
  // One listener on the client, whatever the number of those who wait.
  const waiting = new Set<() => void>()
  let lastError: unknown

  client.on('error', (error: unknown) => {
    lastError = error
    onError(error)
  })
  client.on('ready', () => {
    for (const resolve of waiting) resolve()
  })

  return {
    isReady: () => client.status === 'ready',
    lastError: () => lastError,
    async ready(signal) {
      if (client.status === 'ready' || signal.aborted) return
      // A failure is an `error` event too, and tried again.
      if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => {})
      await new Promise<void>((resolve) => {
        const done = (): void => {
          waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        waiting.add(done)
        signal.addEventListener('abort', done)
      })
    },
  }
}
