import { Answer } from './cards/answer.tsx'
import { Connection } from './cards/connection.tsx'
import { Disruptions } from './cards/disruptions.tsx'
import { Job } from './cards/job.tsx'
import { Latency } from './cards/latency.tsx'
import { Notifications } from './cards/notifications.tsx'
import { Price } from './cards/price.tsx'
import { Subscriptions } from './cards/subscriptions.tsx'
import { Chat } from './chat/chat.tsx'
import { Guide } from './header/guide.tsx'
import { Header } from './header/header.tsx'
import { TypeFlowCard } from './type-flow/type-flow-card.tsx'

/**
 * The only screen. The order of its cards: chat, break the connection, see the proof, and read the
 * code.
 */
export function App() {
  return (
    <>
      <a className="skip" href="#message">
        Skip to the chat
      </a>
      <Header />
      <Guide />
      <main className="board">
        <Chat />
        <div className="column column-proof">
          <Disruptions />
          <Connection />
          <Subscriptions />
        </div>
        <div className="column column-app">
          <Price />
          <Latency />
          <Job />
          <Notifications />
        </div>
        <Answer />
        <TypeFlowCard />
      </main>
    </>
  )
}
