import { network, pageId } from '../live/client.ts'
import { type Recovery, recovery } from '../live/recovery.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { Card } from '../ui/card.tsx'
import { allOf, count } from '../ui/format.ts'
import { CheckIcon, NoNetworkIcon, ScissorsIcon, WarningIcon } from '../ui/icons.tsx'

const awayMs = 10_000

/** Ways to break the connection, and the outcome. */
export function Disruptions() {
  const isAway = useStore(network.state).awayUntil !== undefined
  const { numbers, leader } = useStore(tabs)
  const many = numbers.length
  const scope = many > 1 && <span className="aside">for {allOf(many)} tabs of this browser</span>
  // The leading tab has opened the connection.
  const cut = (): void => cutConnection(leader?.page ?? pageId)
  return (
    <Card title="Try to lose an event" className="disruptions" aside={scope}>
      <div className="buttons">
        <button type="button" className="button" id="cut" onClick={cut} disabled={isAway}>
          <ScissorsIcon /> Cut the connection
        </button>
        <button
          type="button"
          className="button"
          onClick={() => network.takeAway(awayMs)}
          disabled={isAway}
        >
          <NoNetworkIcon /> No network for 10 s
        </button>
      </div>
      <Outcome />
    </Card>
  )
}

/** Asks the server to destroy the sockets of a page's connections. */
function cutConnection(page: string): void {
  network.fetch(`/control/cut?page=${page}`, { method: 'POST' }).catch(() => {
    // The server is down: there is no connection to cut.
  })
}

function Outcome() {
  const state = useStore(recovery)
  const tone = toneOf(state)
  return (
    <p className="outcome" data-phase={state.phase} data-tone={tone} role="status">
      {state.phase === 'caught-up' && (tone === 'good' ? <CheckIcon /> : <WarningIcon />)}
      <span>{inWords(state)}</span>
    </p>
  )
}

/** A reported gap is a warning; an event lost silently is an error. */
function toneOf(state: Recovery): 'quiet' | 'good' | 'warn' | 'bad' {
  if (state.phase === 'none') return 'quiet'
  if (state.phase !== 'caught-up') return 'warn'
  const { missing, repeated, gaps } = state.report
  if (missing + repeated > 0) return 'bad'
  return gaps > 0 ? 'warn' : 'good'
}

function inWords(state: Recovery): string {
  switch (state.phase) {
    case 'none':
      return 'Events published meanwhile arrive afterwards, exactly once. The page compares them with the log.'
    case 'away':
      return 'Lost. Waiting for the connection…'
    case 'checking':
      return 'Back. Comparing with the log…'
    case 'caught-up': {
      const { events, missing, repeated, gaps, awayMs } = state.report
      const gap =
        gaps > 0
          ? ` ${count(gaps, 'gap')} reported: the log no longer has the events in between.`
          : ''
      const away = `${(awayMs / 1_000).toFixed(1)}\u00a0s`
      return `Caught up: ${count(events, 'event')} in ${away} away, ${missing}\u00a0missing, ${repeated}\u00a0repeated.${gap}`
    }
  }
}
