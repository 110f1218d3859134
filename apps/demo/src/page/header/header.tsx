import { health } from '../live/health.ts'
import { type Status, useStatus } from '../live/status.ts'
import { useStore } from '../live/store.ts'
import { tabs } from '../live/tabs.ts'
import { useRequestCounts } from '../live/use-request-counts.ts'
import { count } from '../ui/format.ts'
import { Banners } from './banners.tsx'
import { Brand } from './brand.tsx'
import { ThemeButton } from './theme-button.tsx'

const words: Readonly<Record<Status, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Reconnecting',
  offline: 'Offline',
  'backend-away': 'Redis is away',
}

/** Shows the name, the promise or the current problem, the status, and the theme. */
export function Header() {
  return (
    <header className="top">
      <Brand />
      <div className="top-middle">
        <p className="promise">Nothing missed, nothing twice.</p>
        <Banners />
      </div>
      <StatusPill />
      <Deployment />
      <ThemeButton />
    </header>
  )
}

function StatusPill() {
  const status = useStatus()
  const { connections } = useRequestCounts()
  const { numbers } = useStore(tabs)
  return (
    <p className="pill" data-status={status} role="status">
      <span className="dot" aria-hidden="true" />
      {words[status]}
      {status === 'live' && (
        <span className="pill-more">
          {count(connections, 'connection')}
          {numbers.length > 1 && (
            <span className="pill-tabs">, {count(numbers.length, 'tab')}</span>
          )}
        </span>
      )}
    </p>
  )
}

function Deployment() {
  const state = useStore(health)
  if (state === undefined) return null
  const { backend, instances } = state
  return (
    <p className="deployment">
      {backend === 'redis' ? `Redis, ${instances} server instances` : 'In memory, 1 server'}
    </p>
  )
}
