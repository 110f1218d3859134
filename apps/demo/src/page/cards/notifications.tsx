import { useState } from 'react'
import { type EventOf, notifications } from '../live/app-subscriptions.ts'
import { trpc } from '../live/client.ts'
import { useStore } from '../live/store.ts'
import type { LiveEvent } from '../live/subscription-state.ts'
import { Problem } from '../ui/action-button.tsx'
import { Card } from '../ui/card.tsx'
import { formatTime } from '../ui/format.ts'
import { useAction } from '../ui/use-action.ts'

/** Notifications to every client, newest first, and the number of unread ones. */
export function Notifications() {
  const { events, connection } = useStore(notifications)
  const [readTo, setReadTo] = useState<string>()
  const unread = events.length - 1 - events.findIndex(({ id }) => id === readTo)
  const send = useAction(async (count: number) => {
    await trpc.notifications.send.mutate({ count })
  })
  const markRead = (): void => setReadTo(events.at(-1)?.id)

  const buttons = (
    <div className="buttons">
      {unread > 0 && <UnreadBadge unread={unread} onClick={markRead} />}
      <button type="button" className="button small" onClick={() => send.run(1)}>
        Send one
      </button>
      <button type="button" className="button small" onClick={() => send.run(5)}>
        Send five
      </button>
    </div>
  )
  return (
    <Card title="Notifications" className="notifications" aside={buttons}>
      <Problem>{send.hasFailed && 'Not sent. Try again when the server is back.'}</Problem>
      {events.length === 0 ? (
        <p className="no-notices">
          {connection === 'connecting'
            ? 'Opening…'
            : 'Nothing yet. Send some: every window gets them.'}
        </p>
      ) : (
        <Notices newestFirst={events.toReversed()} unread={unread} />
      )}
    </Card>
  )
}

interface UnreadBadgeProps {
  readonly unread: number
  onClick(): void
}

function UnreadBadge({ unread, onClick }: UnreadBadgeProps) {
  return (
    <button
      type="button"
      className="badge"
      onClick={onClick}
      aria-label={`${unread} new: mark as read`}
      title={`${unread} new. Mark as read.`}
    >
      {unread}
    </button>
  )
}

interface NoticesProps {
  readonly newestFirst: ReadonlyArray<LiveEvent<EventOf<typeof notifications>>>
  readonly unread: number
}

function Notices({ newestFirst, unread }: NoticesProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroll area must be reachable by keyboard.
    <ol className="notices" aria-live="polite" aria-label="Notifications" tabIndex={0}>
      {newestFirst.map(({ id, data }, i) => (
        <li key={id} data-unread={i < unread}>
          <span>{data.text}</span>
          <time dateTime={data.at.toISOString()}>{formatTime(data.at)}</time>
        </li>
      ))}
    </ol>
  )
}
