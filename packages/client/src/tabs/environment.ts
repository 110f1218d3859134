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

/** How tabs of one origin communicate. */
export interface TabsEnvironment {
  /** Joins a channel. A member doesn't receive its own messages. */
  openChannel(name: string, onMessage: (message: unknown) => void): TabChannel
  /**
   * Calls `hold` with the lock, and keeps the lock until its promise settles; then resolves.
   * Rejects with an `AbortError` if the lock is taken away, and with another error if the browser
   * has no locks. A closed tab holds no locks.
   */
  requestLock(name: string, options: TabLockOptions, hold: () => Promise<void>): Promise<void>
  /**
   * Calls back when the tab is about to be frozen. A frozen tab keeps its locks, but can't act.
   * Returns a function that removes the listener.
   */
  onFreeze(callback: () => void): (() => void) | undefined
}

/** Returns the browser's environment; `undefined` if it lacks an API, and outside of pages. */
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
