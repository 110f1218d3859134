import { useRef, useState } from 'react'
import type { Message } from '../live/app-subscriptions.ts'
import type { LiveEvent } from '../live/subscription-state.ts'
import { MessageRow } from './chat-message.tsx'

/** Props of {@link ChatMessages}. */
export interface ChatMessagesProps {
  readonly messages: ReadonlyArray<LiveEvent<Message>>
  /** The author whose messages are shown as one's own. */
  readonly author: string
  readonly isLoading: boolean
}

/** A room's messages. Keeps the newest in view unless the reader has scrolled up. */
export function ChatMessages({ messages, author, isLoading }: ChatMessagesProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  return (
    <div className="messages-frame">
      <div
        className="messages-scroll"
        ref={frame}
        // Scrolling starts at the end (position 0), so the browser itself keeps the newest in view.
        onScroll={({ currentTarget }) => setAtEnd(currentTarget.scrollTop > -40)}
        role="log"
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboards must reach a scroll area.
        tabIndex={0}
      >
        <div className="messages">
          {messages.length === 0 && <NoMessages isLoading={isLoading} />}
          {messages.map((event, i) => (
            <MessageRow
              key={event.id}
              event={event}
              isOwn={event.data.author === author}
              isFollowUp={isFollowUp(messages[i - 1], event)}
            />
          ))}
        </div>
      </div>
      {!isAtEnd && (
        <button
          type="button"
          className="button small to-end"
          onClick={() => frame.current?.scrollTo(0, 0)}
        >
          Newest messages
        </button>
      )}
    </div>
  )
}

function NoMessages({ isLoading }: { readonly isLoading: boolean }) {
  if (isLoading) return <p className="empty">Opening the room…</p>
  return (
    <div className="empty">
      <p>
        <strong>It is quiet in here.</strong>
      </p>
      <p>Say something. A private window is another user, so open one and talk to yourself.</p>
    </div>
  )
}

function isFollowUp(
  previous: LiveEvent<Message> | undefined,
  { data }: LiveEvent<Message>,
): boolean {
  return (
    previous?.data.author === data.author &&
    data.sentAt.getTime() - previous.data.sentAt.getTime() < 120_000
  )
}
