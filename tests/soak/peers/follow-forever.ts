import { setTimeout as sleep } from 'node:timers/promises'
import type { FollowHandlers, PeerEvent } from './peer.ts'

/**
 * Iterates over events, and starts again a second after the end or an error, which are notices.
 * Returns a function that stops it.
 */
export function followForever(
  iterate: (signal: AbortSignal) => AsyncIterable<PeerEvent>,
  { onEvent, onNotice }: FollowHandlers,
): () => void {
  const stop = new AbortController()
  const { signal } = stop
  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of iterate(signal)) onEvent(event)
      } catch {}
      if (signal.aborted) return
      onNotice()
      await sleep(1_000)
    }
  }
  void run()
  return () => stop.abort()
}
