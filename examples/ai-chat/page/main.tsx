import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Chat } from './chat.tsx'
import { client } from './trpc.ts'
import './style.css'

const element = document.getElementById('root')
if (!element) throw new Error('index.html has no #root.')
const root = createRoot(element)

/** The chat named in the address. Another tab or device with this address opens the same chat. */
const named = new URL(location.href)
const chatId = named.searchParams.get('chat') ?? crypto.randomUUID()
named.searchParams.set('chat', chatId)
history.replaceState(null, '', named)

function open(): void {
  root.render(<Notice text="Loading…" />)
  client.chat.query({ chatId }).then(
    ({ messages, lastEventId }) =>
      root.render(
        <StrictMode>
          <Chat chatId={chatId} stored={messages} lastEventId={lastEventId} />
        </StrictMode>,
      ),
    () => root.render(<Notice text="The server does not answer." onRetry={open} />),
  )
}

function Notice({ text, onRetry }: { text: string; onRetry?: () => void }) {
  return (
    <main className="notice">
      <p role="status">{text}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </main>
  )
}

open()
