import { useRef, useState } from 'react'
import type { Message } from '../live/app-subscriptions.ts'
import type { LiveEvent } from '../live/subscription-state.ts'
import { formatTime } from '../ui/format.ts'

/** What the list of messages shows. */
export interface ChatMessagesProps {
  readonly messages: ReadonlyArray<LiveEvent<Message>>
  /** Whose messages are one's own. */
  readonly author: string
  readonly isLoading: boolean
}

/** A room's messages; stays at the newest one unless the reader has scrolled up. */
export function ChatMessages({ messages, author, isLoading }: ChatMessagesProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  return (
    <div className="messages-frame">
      <div
        className="messages-scroll"
        ref={frame}
        // It scrolls from its end, which is 0: so the browser itself keeps the newest message in view.
        onScroll={({ currentTarget }) => setAtEnd(currentTarget.scrollTop > -40)}
        role="log"
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
      >
        <div className="messages">
          {messages.length === 0 && <NoMessages isLoading={isLoading} />}
          {messages.map((message, i) => (
            <MessageRow
              key={message.id}
              message={message}
              isOwn={message.data.author === author}
              isFollowUp={isFollowUp(messages[i - 1], message)}
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
      <p>
        Say something, or{' '}
        <a href="/" target="_blank" rel="noreferrer">
          open a second window
        </a>{' '}
        and talk to yourself.
      </p>
    </div>
  )
}

interface MessageRowProps {
  readonly message: LiveEvent<Message>
  readonly isOwn: boolean
  /** Whether the message before it has the same author: the name need not be said again. */
  readonly isFollowUp: boolean
}

function MessageRow({ message: { data, late }, isOwn, isFollowUp }: MessageRowProps) {
  const { author, text, sentAt } = data
  return (
    <article className="message" data-own={isOwn} data-follow-up={isFollowUp}>
      {!isFollowUp && <span className="message-author">{author}</span>}
      <p className="message-text">{text}</p>
      <span className="message-time">
        {late && <span className="late">while you were away</span>}
        <time dateTime={sentAt.toISOString()}>{formatTime(sentAt)}</time>
      </span>
    </article>
  )
}

function isFollowUp(before: LiveEvent<Message> | undefined, { data }: LiveEvent<Message>): boolean {
  return (
    before?.data.author === data.author &&
    data.sentAt.getTime() - before.data.sentAt.getTime() < 120_000
  )
}
