import { useMemo, useState } from 'react'
import { chatSubscription } from '../live/app-subscriptions.ts'
import { useStore } from '../live/store.ts'
import { Card } from '../ui/card.tsx'
import { storeAuthor, storedAuthor } from './author.ts'
import { AuthorField } from './author-field.tsx'
import { ChatMessages } from './chat-messages.tsx'
import { Composer } from './composer.tsx'

const rooms = ['lobby', 'engineering', 'random'] as const

/** A chat with three rooms. */
export function Chat() {
  const [room, setRoom] = useState<string>(rooms[0])
  const [author, setAuthor] = useState(storedAuthor)
  function changeAuthor(name: string): void {
    setAuthor(name)
    storeAuthor(name)
  }
  return (
    <Card
      title="Chat"
      className="chat"
      aside={<AuthorField author={author} onChange={changeAuthor} />}
    >
      <RoomPicker room={room} onChange={setRoom} />
      <Room key={room} room={room} author={author} />
    </Card>
  )
}

function Room({ room, author }: { readonly room: string; readonly author: string }) {
  const subscription = useMemo(() => chatSubscription(room), [room])
  const { events, connection } = useStore(subscription)
  return (
    <>
      <ChatMessages messages={events} author={author} isLoading={connection === 'connecting'} />
      <Composer room={room} author={author} />
    </>
  )
}

interface RoomPickerProps {
  readonly room: string
  onChange(room: string): void
}

function RoomPicker({ room, onChange }: RoomPickerProps) {
  return (
    <fieldset className="rooms">
      <legend className="unseen">Room</legend>
      {rooms.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name="room"
            value={each}
            checked={each === room}
            onChange={() => onChange(each)}
          />
          <span>#{each}</span>
        </label>
      ))}
    </fieldset>
  )
}
