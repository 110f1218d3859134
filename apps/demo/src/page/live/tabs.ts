import { pageId, role } from './client.ts'
import {
  completions,
  countCompletion,
  type RequestCounts,
  requestCounts,
} from './request-counts.ts'
import { createStore } from './store.ts'
import { type TabNumber, tabNumbers, takeTabNumber } from './tab-number.ts'

/** The tab that holds the connection, as it describes itself. */
export interface Leader {
  readonly page: string
  readonly number: number
  readonly requests: RequestCounts
}

/** The tabs of this browser. */
export interface Tabs {
  /** Their numbers, in order; empty where the browser has no locks. */
  readonly numbers: readonly number[]
  /** The number of this tab. */
  readonly own: number | undefined
  /** `undefined` until a leader has announced itself. */
  readonly leader: Leader | undefined
}

export const tabs = createStore<Tabs>({ numbers: [], own: undefined, leader: undefined })

type TabMessage = Leader | 'who leads' | 'completed' | 'bye'

const refreshMs = 1_000

/** Watches the other tabs, in browsers that can also share a connection between tabs. */
export function watchTabs(): void {
  const locks: LockManager | undefined = navigator.locks
  if (!locks) {
    completions.subscribe(countCompletion)
    return
  }
  const { enter, leave, refresh, announceIfLeading, noteCompletion } = joinTabs(locks)
  const tryEnter = (): void => void enter().catch(reportError)
  role.subscribe(announceIfLeading)
  requestCounts.subscribe(announceIfLeading)
  completions.subscribe(noteCompletion)
  setInterval(refresh, refreshMs)
  document.addEventListener('visibilitychange', refresh)
  addEventListener('pagehide', leave)
  // The page was in the back/forward cache.
  addEventListener('pageshow', ({ persisted }) => persisted && tryEnter())
  tryEnter()
}

function joinTabs(locks: LockManager) {
  const channel = new BroadcastChannel('demo-tabs')
  const send = (message: TabMessage): void => channel.postMessage(message)
  let taken: TabNumber | undefined

  function announceIfLeading(): void {
    if (role.get() !== 'leading' || !taken) return
    const leader = { page: pageId, number: taken.number, requests: requestCounts.get() }
    update({ leader })
    send(leader)
  }

  function countIfLeading(): void {
    if (role.get() === 'leading') countCompletion()
  }

  async function count(): Promise<void> {
    const numbers = await tabNumbers(locks)
    const { leader } = tabs.get()
    update({ numbers, leader: leader && numbers.includes(leader.number) ? leader : undefined })
  }

  /** Asks the leader: timers of a hidden tab are slow, but it answers messages at once. */
  function refresh(): void {
    if (document.hidden) return
    count().catch(reportError)
    send('who leads')
  }

  channel.onmessage = ({ data }: MessageEvent<TabMessage>) => {
    if (data === 'who leads') announceIfLeading()
    else if (data === 'bye') refresh()
    else if (data === 'completed') countIfLeading()
    else if (role.get() !== 'leading') update({ leader: data })
  }
  return {
    announceIfLeading,
    refresh,
    /** The leader counts for all tabs; a tab with its own connection counts for itself. */
    noteCompletion(): void {
      if (role.get() === 'following') send('completed')
      else countCompletion()
    },
    async enter(): Promise<void> {
      taken = await takeTabNumber(locks)
      update({ own: taken.number })
      announceIfLeading()
      refresh()
    },
    leave(): void {
      taken?.release()
      taken = undefined
      send('bye')
    },
  }
}

function update(change: Partial<Tabs>): void {
  const now = { ...tabs.get(), ...change }
  tabs.set(now)
  const leads = now.leader?.page === pageId ? ' leads' : ''
  if (now.own !== undefined) document.title = `Tab ${now.own}${leads} · trpc-sse demo`
}
