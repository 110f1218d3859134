import { useState } from 'react'
import { type EventOf, notifications } from '../live/app-subscriptions.ts'
import { trpc } from '../live/client.ts'
import { useStore } from '../live/store.ts'
import type { LiveEvent } from '../live/subscription-state.ts'
import { Card } from '../ui/card.tsx'
import { formatTime } from '../ui/format.ts'
import { useAction } from '../ui/use-action.ts'

/** What everybody is told, newest first, and how much of it is unread. */
export function Notifications() {
  const { events, connection } = useStore(notifications)
  const [readTo, setReadTo] = useState<string>()
  const unread = events.length - 1 - events.findIndex(({ id }) => id === readTo)
  const make = useAction(async (count: number) => {
    await trpc.notifications.make.mutate({ count })
  })

  const buttons = (
    <div className="buttons">
      {unread > 0 && (
        <button
          type="button"
          className="badge"
          onClick={() => setReadTo(events.at(-1)?.id)}
          aria-label={`${unread} new: mark as read`}
          title={`${unread} new. Mark as read.`}
        >
          {unread}
        </button>
      )}
      <button type="button" className="button small" onClick={() => make.run(1)}>
        Send one
      </button>
      <button type="button" className="button small" onClick={() => make.run(5)}>
        Send five
      </button>
    </div>
  )
  return (
    <Card title="Notifications" className="notifications" aside={buttons}>
      <p className="problem" role="alert">
        {make.hasFailed && 'Not sent. Try again when the server is back.'}
      </p>
      {events.length === 0 && (
        <p className="hint">
          {connection === 'connecting'
            ? 'Opening…'
            : 'Nothing yet. Send some: every window gets them.'}
        </p>
      )}
      <Notices newestFirst={events.toReversed()} unread={unread} />
    </Card>
  )
}

interface NoticesProps {
  readonly newestFirst: ReadonlyArray<LiveEvent<EventOf<typeof notifications>>>
  readonly unread: number
}

function Notices({ newestFirst, unread }: NoticesProps) {
  return (
    <ol className="notices" aria-live="polite">
      {newestFirst.map(({ id, data }, i) => (
        <li key={id} data-unread={i < unread}>
          <span>{data.text}</span>
          <time dateTime={data.at.toISOString()}>{formatTime(data.at)}</time>
        </li>
      ))}
    </ol>
  )
}
