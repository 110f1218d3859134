import { Connection } from './cards/connection.tsx'
import { Trials } from './cards/disruptions.tsx'
import { Job } from './cards/job.tsx'
import { Latency } from './cards/latency.tsx'
import { Notifications } from './cards/notifications.tsx'
import { Price } from './cards/price.tsx'
import { Streams } from './cards/subscriptions.tsx'
import { Chat } from './chat/chat.tsx'
import { Header } from './header/header.tsx'

/** The one screen: what an app does with events on the left, what its connection does on the right. */
export function App() {
  return (
    <>
      <a className="skip" href="#message">
        Skip to the chat
      </a>
      <Header />
      <main className="board">
        <Chat />
        <div className="column column-app">
          <Price />
          <Latency />
          <Job />
          <Notifications />
        </div>
        <div className="column column-inside">
          <Trials />
          <Connection />
          <Streams />
        </div>
      </main>
    </>
  )
}
