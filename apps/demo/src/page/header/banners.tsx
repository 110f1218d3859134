import { useState } from 'react'
import { network } from '../live/client.ts'
import { recovery } from '../live/recovery.ts'
import { useStatus } from '../live/status.ts'
import { useStore } from '../live/store.ts'
import { useNow } from '../ui/use-now.ts'

/** Most reconnects are faster than a reader, so only longer outages get a banner. */
const bannerAfterMs = 2_500
/** Loading a page takes longer than a reconnect. */
const firstBannerAfterMs = 5_000

/** The current problem, if there is one. */
export function Banners() {
  const status = useStatus()
  if (status === 'offline') return <OfflineBanner />
  if (status === 'lost') return <ServerAwayBanner />
  if (status === 'backend-away') return <BackendAwayBanner />
  if (status === 'connecting') return <NotConnectedBanner />
  return null
}

function OfflineBanner() {
  const { awayUntil = 0 } = useStore(network.state)
  const seconds = Math.max(1, Math.ceil((awayUntil - useNow(200)) / 1_000))
  return (
    <div className="banner" data-tone="quiet">
      <p role="status">
        <strong>You are offline.</strong> What you see may be old. Nothing is lost: it arrives
        later.
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
  if (state.phase !== 'away' || now - state.since < bannerAfterMs) return null
  return (
    <div className="banner" data-tone="bad" role="alert">
      <p>
        <strong>The server does not answer.</strong> This page keeps trying, and resumes where it
        stopped.
      </p>
    </div>
  )
}

function NotConnectedBanner() {
  const [since] = useState(Date.now)
  if (useNow(500) - since < firstBannerAfterMs) return null
  return (
    <div className="banner" data-tone="warn" role="alert">
      <p>
        <strong>Not connected yet.</strong> The server does not answer, or you have too many
        connections. This page keeps trying.
      </p>
    </div>
  )
}

function BackendAwayBanner() {
  return (
    <div className="banner" data-tone="warn" role="alert">
      <p>
        <strong>Redis does not answer.</strong> Subscriptions stay open and wait for it; sending
        fails until it is back.
      </p>
    </div>
  )
}
