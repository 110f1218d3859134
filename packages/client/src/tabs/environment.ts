/** A channel to the other tabs, like a `BroadcastChannel`. */
export interface TabChannel {
  /** Sends plain data to all other members of the channel, in order. */
  post(message: unknown): void
  close(): void
}

/** Options of a lock request, as in `navigator.locks.request`. */
export interface TabLockOptions {
  /** Takes the lock from its holder. */
  readonly steal?: boolean
  /** Stops waiting for the lock. */
  readonly signal?: AbortSignal
}

/** What tabs of one origin use to reach each other. */
export interface TabsEnvironment {
  /** Joins a channel. A member doesn't receive its own messages. */
  openChannel(name: string, onMessage: (message: unknown) => void): TabChannel
  /**
   * Calls `hold` with the lock, and keeps the lock until that settles. Resolves then; rejects with
   * an `AbortError` if the lock is taken away, with another error if the browser gives none. A tab
   * that is gone holds no locks.
   */
  requestLock(name: string, options: TabLockOptions, hold: () => Promise<void>): Promise<void>
  /**
   * Calls back when the tab is about to be frozen: it keeps its locks, but does nothing with them.
   * Returns a function that ends that.
   */
  onFreeze(callback: () => void): (() => void) | undefined
}

/** Returns what browsers have; `undefined` where that is missing, and outside of pages. */
export function globalTabs(): TabsEnvironment | undefined {
  const { document, navigator, BroadcastChannel } = globalThis
  const locks: LockManager | undefined = navigator?.locks
  if (!document || !locks || !BroadcastChannel) return undefined
  return {
    openChannel(name, onMessage) {
      const channel = new BroadcastChannel(name)
      channel.onmessage = ({ data }) => onMessage(data)
      return { post: (message) => channel.postMessage(message), close: () => channel.close() }
    },
    async requestLock(name, options, hold) {
      await locks.request(name, options, hold)
    },
    onFreeze(callback) {
      document.addEventListener('freeze', callback)
      return () => document.removeEventListener('freeze', callback)
    },
  }
}
