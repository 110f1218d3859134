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
import { useStore } from './live/store.ts'
import { Board } from './people/board.tsx'
import { Limits } from './people/limits.tsx'
import { People } from './people/people.tsx'
import { session } from './session/session.ts'
import { SignedOut } from './session/signed-out.tsx'
import { TypeFlowCard } from './type-flow/type-flow-card.tsx'

/** The page of a user; without a session, the way to sign in. */
export function App() {
  return useStore(session).status === 'signed-in' ? <Cards /> : <SignedOut />
}

/**
 * The order of the cards: chat, break the connection, see the proof, see the others, and read the
 * code.
 */
function Cards() {
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
        <People />
        <Board />
        <Limits />
        <Answer />
        <TypeFlowCard />
      </main>
    </>
  )
}
