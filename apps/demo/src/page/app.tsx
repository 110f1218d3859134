import { Chat } from './parts/chat.tsx'
import { Connection } from './parts/connection.tsx'
import { Header } from './parts/header.tsx'
import { Job } from './parts/job.tsx'
import { Latency } from './parts/latency.tsx'
import { Notifications } from './parts/notifications.tsx'
import { Price } from './parts/price.tsx'
import { Streams } from './parts/streams.tsx'
import { Trials } from './parts/trials.tsx'

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
