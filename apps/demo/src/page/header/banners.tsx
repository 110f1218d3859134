import { network } from '../live/client.ts'
import { recovery } from '../live/recovery.ts'
import { useStatus } from '../live/status.ts'
import { useStore } from '../live/store.ts'
import { useNow } from '../ui/use-now.ts'

/** A cut is mended faster than one can read; only what lasts is worth a banner, in milliseconds. */
const worthTellingMs = 2_500

/** What is wrong at the moment, if anything is. */
export function Banners() {
  const status = useStatus()
  if (status === 'offline') return <OfflineBanner />
  if (status === 'lost') return <ServerAwayBanner />
  if (status === 'backend-away') return <BackendAwayBanner />
  return null
}

function OfflineBanner() {
  const { awayUntil = 0 } = useStore(network.state)
  const seconds = Math.max(1, Math.ceil((awayUntil - useNow(200)) / 1_000))
  return (
    <div className="banner" data-tone="quiet">
      <p role="status">
        <strong>You are offline.</strong> What you see may be old. Nothing is lost: it comes later.
      </p>
      <span className="countdown" aria-hidden="true">
        {seconds} s
      </span>
      <button type="button" className="button small" onClick={network.bringBack}>
        Bring it back now
      </button>
    </div>
  )
}

function ServerAwayBanner() {
  const state = useStore(recovery)
  const now = useNow(500)
  if (state.phase !== 'away' || now - state.since < worthTellingMs) return null
  return (
    <div className="banner" data-tone="bad" role="alert">
      <p>
        <strong>The server does not answer.</strong> This page keeps trying, and goes on where it
        stopped.
      </p>
    </div>
  )
}

function BackendAwayBanner() {
  return (
    <div className="banner" data-tone="warn" role="alert">
      <p>
        <strong>Redis does not answer.</strong> Subscriptions stay open and wait for it; what you
        send is refused until it is back.
      </p>
    </div>
  )
}
