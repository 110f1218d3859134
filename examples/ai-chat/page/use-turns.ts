import type { UIMessage } from 'ai'
import { useEffect, useEffectEvent, useState } from 'react'
import { client, ownRuns } from './trpc.ts'

/** The options of {@link useTurns}. */
interface TurnOptions {
  readonly chatId: string
  /** The position after which turns are new. */
  readonly lastEventId: string | null
  /** Called for each question that is asked elsewhere: in another tab, or on another device. */
  readonly onTurn: (question: UIMessage) => void
}

/** Follows the questions of a chat. Returns whether the page is connected. */
export function useTurns({ chatId, lastEventId, onTurn }: TurnOptions): boolean {
  const [isConnected, setIsConnected] = useState(true)
  const takeTurn = useEffectEvent(onTurn)
  useEffect(() => {
    const subscription = client.onTurn.subscribe(
      { chatId, lastEventId },
      {
        onData({ data: { runId, question } }) {
          if (ownRuns.has(runId)) return
          const parts: UIMessage['parts'] = [{ type: 'text', text: question.text }]
          takeTurn({ id: question.id, role: 'user', parts })
        },
        onConnectionStateChange: ({ state, error }) =>
          setIsConnected(state === 'pending' || !error),
      },
    )
    return () => subscription.unsubscribe()
  }, [chatId, lastEventId])
  return isConnected
}
