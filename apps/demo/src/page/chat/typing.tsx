import { useLive } from '@trpc-sse/react'
import { trpc } from '../live/client.ts'
import { liveSubscription } from '../live/live-subscription.ts'
import { useUser } from '../session/session.ts'

/** Says who else is typing in a room. */
export function Typing({ room }: { readonly room: string }) {
  const { user } = useUser()
  const { data = [], status } = useLive(
    liveSubscription({
      path: 'chat.onTyping',
      procedure: trpc.chat.onTyping,
      input: { room },
    }),
    { key: (person) => person.key },
  )
  const others = data.filter(({ key }) => key !== user)
  // While the page is disconnected, nobody knows.
  const names = status === 'pending' ? others.map(({ value }) => value.name) : []
  return (
    <p className="typing" data-typing={names.length > 0}>
      {names.length > 0 && <TypingDots />}
      {inWords(names)}
    </p>
  )
}

function TypingDots() {
  return (
    <span className="typing-dots" aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  )
}

function inWords(names: readonly string[]): string {
  const [first, second] = names
  if (first === undefined) return ''
  if (second === undefined) return `${first} is typing…`
  if (names.length === 2) return `${first} and ${second} are typing…`
  return `${names.length} people are typing…`
}
