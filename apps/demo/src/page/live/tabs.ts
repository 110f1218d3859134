import { pageId, role } from './client.ts'
import { type Wire, wire } from './request-counts.ts'
import { createStore } from './store.ts'
import { type TabNumber, tabNumbers, takeTabNumber } from './tab-number.ts'

/** The tab that has the connection for all. Nobody else sees what is on it, so this is what it says itself. */
export interface Leader {
  readonly page: string
  readonly number: number
  readonly wire: Wire
}

/** The tabs of this browser. */
export interface Tabs {
  /** Their numbers, in order; empty where a browser can't tell. */
  readonly numbers: readonly number[]
  /** The number of this one. */
  readonly own: number | undefined
  /** `undefined` while nobody leads, or has said so. */
  readonly leader: Leader | undefined
}

export const tabs = createStore<Tabs>({ numbers: [], own: undefined, leader: undefined })

/** What tabs say to each other: who leads, the question who does, and that one goes. */
type Word = Leader | 'who leads' | 'bye'

const lookMs = 1_000

/** Keeps an eye on the other tabs, where the browser has what that takes: it has the same for sharing a connection. */
export function watchTabs(): void {
  const locks: LockManager | undefined = navigator.locks
  if (!locks) return
  const { enter, leave, look, sayIfLeading } = joinTabs(locks)
  const comeIn = (): void => void enter().catch(reportError)
  role.subscribe(sayIfLeading)
  wire.subscribe(sayIfLeading)
  setInterval(look, lookMs)
  document.addEventListener('visibilitychange', look)
  addEventListener('pagehide', leave)
  // It was in the back/forward cache.
  addEventListener('pageshow', ({ persisted }) => persisted && comeIn())
  comeIn()
}

function joinTabs(locks: LockManager) {
  const channel = new BroadcastChannel('demo-tabs')
  const say = (word: Word): void => channel.postMessage(word)
  let taken: TabNumber | undefined

  function sayIfLeading(): void {
    if (role.get() !== 'leading' || !taken) return
    const leader = { page: pageId, number: taken.number, wire: wire.get() }
    change({ leader })
    say(leader)
  }

  async function count(): Promise<void> {
    const numbers = await tabNumbers(locks)
    const { leader } = tabs.get()
    change({ numbers, leader: leader && numbers.includes(leader.number) ? leader : undefined })
  }

  /** Asks, instead of being told from time to time: a hidden tab's timers are slow, but it answers at once. */
  function look(): void {
    if (document.hidden) return
    count().catch(reportError)
    say('who leads')
  }

  channel.onmessage = ({ data: word }: MessageEvent<Word>) => {
    if (word === 'who leads') sayIfLeading()
    else if (word === 'bye') look()
    else if (role.get() !== 'leading') change({ leader: word })
  }
  return {
    sayIfLeading,
    look,
    async enter(): Promise<void> {
      taken = await takeTabNumber(locks)
      change({ own: taken.number })
      sayIfLeading()
      look()
    },
    leave(): void {
      taken?.release()
      taken = undefined
      say('bye')
    },
  }
}

function change(news: Partial<Tabs>): void {
  const now = { ...tabs.get(), ...news }
  tabs.set(now)
  const leads = now.leader?.page === pageId ? ' leads' : ''
  if (now.own !== undefined) document.title = `Tab ${now.own}${leads} · trpc-sse demo`
}
