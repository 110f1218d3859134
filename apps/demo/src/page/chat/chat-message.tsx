import type { ReactNode } from 'react'
import type { Message } from '../live/app-subscriptions.ts'
import type { LiveEvent } from '../live/subscription-state.ts'
import { formatTime } from '../ui/format.ts'

/** The place of a message in the conversation. */
export interface MessagePlace {
  readonly isOwn: boolean
  /** Whether the previous message has the same author, whose name need not be repeated. */
  readonly isFollowUp: boolean
}

/** Props of {@link MessageRow}. */
export interface RowProps extends MessagePlace {
  readonly event: LiveEvent<Message>
}

/** Shows one event of the chat. */
// #region component
export function MessageRow({ event, ...place }: RowProps) {
  const { author, text, sentAt } = event.data
  return (
    <Bubble {...place}>
      {!place.isFollowUp && <Author>{author}</Author>}
      <p className="message-text">{text}</p>
      <SentAt date={sentAt} isLate={event.late} />
    </Bubble>
  )
}
// #endregion

function Bubble({ isOwn, isFollowUp, children }: MessagePlace & { readonly children: ReactNode }) {
  return (
    <article className="message" data-own={isOwn} data-follow-up={isFollowUp}>
      {children}
    </article>
  )
}

function Author({ children }: { readonly children: string }) {
  return <span className="message-author">{children}</span>
}

function SentAt({ date, isLate }: { readonly date: Date; readonly isLate: boolean }) {
  return (
    <span className="message-time">
      {isLate && <span className="late">while you were away</span>}
      <time dateTime={date.toISOString()}>{formatTime(date)}</time>
    </span>
  )
}
