import { noteOnWire } from './request-counts.ts'
import { createStore, type Store } from './store.ts'

/** The network as this browser has it: there, or taken away until a moment in milliseconds since 1970. */
export interface NetworkState {
  readonly awayUntil: number | undefined
}

/** What fetch takes, as both links write it. */
export type FetchInit = Omit<RequestInit, 'signal'> & {
  readonly signal?: AbortSignal | null | undefined
}

/** A network that can be taken away, to see what happens. */
export interface Network {
  readonly state: Store<NetworkState>
  /** What the links send their requests with. */
  fetch(url: RequestInfo | URL, init?: FetchInit): Promise<Response>
  /** Breaks all that is open in any tab of the browser, and lets nothing through for so many milliseconds. */
  takeAway(ms: number): void
  bringBack(): void
}

const key = 'network-away-until'

/** Creates the network of this page. A machine has one network for all its tabs, and so have these. */
export function createNetwork(): Network {
  const state = createStore<NetworkState>({ awayUntil: undefined })
  let breaker = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Does what is kept, whichever tab has written it. */
  function follow(): void {
    const awayUntil = Number(localStorage.getItem(key))
    const ms = awayUntil - Date.now()
    clearTimeout(timer)
    if (ms > 0) {
      // The reason is what fetch throws, to those that are open and to all that try: the error of a lost network.
      breaker.abort(new TypeError('The network was taken away.'))
      timer = setTimeout(bringBack, ms)
      state.set({ awayUntil })
    } else {
      if (breaker.signal.aborted) breaker = new AbortController()
      state.set({ awayUntil: undefined })
    }
  }

  function bringBack(): void {
    localStorage.removeItem(key)
    follow()
  }

  addEventListener('storage', follow)
  follow()
  return {
    state,
    async fetch(url, init = {}) {
      const signals = init.signal ? [init.signal, breaker.signal] : [breaker.signal]
      const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) })
      noteOnWire(response, init)
      return response
    },
    takeAway(ms) {
      localStorage.setItem(key, `${Date.now() + ms}`)
      follow()
    },
    bringBack,
  }
}
