import { countRequest } from './request-counts.ts'
import { createStore, type Store } from './store.ts'

/** Whether this browser has a network. */
export interface NetworkState {
  /** The end of the outage in milliseconds since 1970, while there is one. */
  readonly awayUntil: number | undefined
}

/** The options of `fetch` as both links write them. */
export type FetchInit = Omit<RequestInit, 'signal'> & {
  readonly signal?: AbortSignal | null | undefined
}

/** A network that can be taken away, to see how the page recovers. */
export interface Network {
  readonly state: Store<NetworkState>
  /** The `fetch` that the links use. */
  fetch(url: RequestInfo | URL, init?: FetchInit): Promise<Response>
  /**
   * Breaks open requests in every tab of the browser, and refuses new ones for `ms` milliseconds.
   */
  takeAway(ms: number): void
  bringBack(): void
}

const key = 'network-away-until'

/** Creates the network of this page. All tabs share its state, as they share a real network. */
export function createNetwork(): Network {
  const state = createStore<NetworkState>({ awayUntil: undefined })
  let breaker = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Applies the stored state, whichever tab wrote it. */
  function applyStored(): void {
    const awayUntil = Number(localStorage.getItem(key))
    const ms = awayUntil - Date.now()
    clearTimeout(timer)
    if (ms > 0) {
      // `fetch` rejects with this reason, so it is the error of a lost network.
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
    applyStored()
  }

  addEventListener('storage', applyStored)
  applyStored()
  return {
    state,
    async fetch(url, init = {}) {
      const signals = init.signal ? [init.signal, breaker.signal] : [breaker.signal]
      const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) })
      countRequest(response, init)
      return response
    },
    takeAway(ms) {
      localStorage.setItem(key, `${Date.now() + ms}`)
      applyStored()
    },
    bringBack,
  }
}
