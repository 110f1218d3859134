import { useChat } from '@ai-sdk/react'
import type { UIMessage } from 'ai'
import { useEffect, useRef } from 'react'
import { Composer } from './composer.tsx'
import { Failure } from './failure.tsx'
import { Message } from './message.tsx'
import { transport } from './trpc.ts'
import { useTurns } from './use-turns.ts'

interface ChatProps {
  readonly chatId: string
  readonly stored: UIMessage[]
  readonly lastEventId: string | null
}

export function Chat({ chatId, stored, lastEventId }: ChatProps) {
  const { messages, setMessages, sendMessage, regenerate, resumeStream, status, error } = useChat({
    id: chatId,
    messages: stored,
    transport,
    resume: true,
    throttle: 50,
  })
  const isBusy = status === 'submitted' || status === 'streaming'
  const stop = (): void => void transport.stop(chatId)

  const isConnected = useTurns({
    chatId,
    lastEventId,
    onTurn(question) {
      if (isBusy) return
      setMessages((current) => {
        const index = current.findIndex(({ id }) => id === question.id)
        return index < 0 ? [...current, question] : current.slice(0, index + 1)
      })
      void resumeStream()
    },
  })

  useEffect(() => {
    if (!isBusy) return
    const stopByKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') void transport.stop(chatId)
    }
    addEventListener('keydown', stopByKey)
    return () => removeEventListener('keydown', stopByKey)
  }, [isBusy, chatId])

  const isWaiting = status === 'submitted' || (isBusy && messages.at(-1)?.role === 'user')
  return (
    <>
      <header>
        <h1>A chat that goes on</h1>
        <p className="pill" role="status" data-connected={isConnected}>
          {isConnected ? 'Connected' : 'Offline: answers go on without you'}
        </p>
        <a href="?">New chat</a>
      </header>
      <main>
        {messages.length === 0 && !isBusy && (
          <Welcome onAsk={(text) => void sendMessage({ text })} />
        )}
        <div role="log" aria-label="Messages" aria-busy={isBusy}>
          {messages.map((message, index) => (
            <Message
              key={message.id}
              message={message}
              isLive={isBusy && index === messages.length - 1}
              hasFailed={error !== undefined && index === messages.length - 1}
            />
          ))}
          {isWaiting && <p className="thinking">Thinking…</p>}
          {error && <Failure error={error} onRetry={() => void regenerate()} />}
        </div>
        <Bottom key={messages.length} />
      </main>
      <Composer isBusy={isBusy} onSend={(text) => void sendMessage({ text })} onStop={stop} />
    </>
  )
}

const suggestions = [
  { text: 'What happens if I reload?', hint: 'Reload while it answers, or open a second tab.' },
  { text: 'Break the model', hint: 'The run fails, and the chat says so.' },
  { text: 'Crash the server', hint: 'With Redis, the run is abandoned, and the chat says so.' },
]

function Welcome({ onAsk }: { readonly onAsk: (text: string) => void }) {
  return (
    <section className="welcome">
      <h2>Ask anything. The answer outlives this page.</h2>
      {suggestions.map(({ text, hint }) => (
        <button key={text} type="button" onClick={() => onAsk(text)}>
          <strong>{text}</strong>
          <span>{hint}</span>
        </button>
      ))}
    </section>
  )
}

/** Scrolls into view when it mounts, to show the newest message. */
function Bottom() {
  const ref = useRef<HTMLDivElement>(null)
  useEffect(() => void ref.current?.scrollIntoView({ block: 'end' }), [])
  return <div ref={ref} />
}
