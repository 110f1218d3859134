import { useMemo, useState } from 'react'
import { chatSubscription } from '../live/app-subscriptions.ts'
import { useStore } from '../live/store.ts'
import { NameField } from '../session/name-field.tsx'
import { useUser } from '../session/session.ts'
import { Card } from '../ui/card.tsx'
import { ChatMessages } from './chat-messages.tsx'
import { Composer } from './composer.tsx'
import { Typing } from './typing.tsx'

const rooms = ['lobby', 'engineering', 'random'] as const

/** A chat with three rooms. */
export function Chat() {
  const [room, setRoom] = useState<string>(rooms[0])
  return (
    <Card title="Chat" className="chat" aside={<NameField />}>
      <RoomPicker room={room} onChange={setRoom} />
      <Room key={room} room={room} />
    </Card>
  )
}

function Room({ room }: { readonly room: string }) {
  const { name } = useUser()
  const subscription = useMemo(() => chatSubscription(room), [room])
  const { events, connection } = useStore(subscription)
  return (
    <>
      <ChatMessages messages={events} author={name} isLoading={connection === 'connecting'} />
      <Typing room={room} />
      <Composer room={room} />
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
