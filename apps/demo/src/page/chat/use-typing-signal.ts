import { useEffect, useMemo } from 'react'
import { trpc } from '../live/client.ts'

/** The server forgets it after four seconds. */
const repeatMs = 2_000

/** Tells the others in a room that the user is typing. */
interface TypingSignal {
  /** The text has changed. */
  changed(text: string): void
  /** The user has stopped, or has sent the text. */
  stop(): void
}

/** Signals at the first key, then every two seconds while the text changes. */
export function useTypingSignal(room: string): TypingSignal {
  const signal = useMemo(() => createTypingSignal(room), [room])
  useEffect(() => signal.stop, [signal])
  return signal
}

function createTypingSignal(room: string): TypingSignal {
  let signalledAt: number | undefined
  // One after the other, so that a stop can't overtake a start.
  let previous: Promise<unknown> = Promise.resolve()
  function send(request: () => Promise<void>): void {
    // A signal that is lost does no harm.
    previous = previous.then(request).catch(() => {})
  }
  function stop(): void {
    if (signalledAt === undefined) return
    signalledAt = undefined
    send(() => trpc.chat.stopTyping.mutate({ room }))
  }
  return {
    stop,
    changed(text) {
      const now = Date.now()
      if (text.trim() === '') stop()
      else if (signalledAt === undefined || now - signalledAt >= repeatMs) {
        signalledAt = now
        send(() => trpc.chat.type.mutate({ room }))
      }
    },
  }
}
