/** A channel to the other tabs, as a `BroadcastChannel` is. */
export interface TabChannel {
  /** Sends plain data to all others of the same name, in order. */
  post(message: unknown): void
  close(): void
}

/** How a lock is asked for, as in `navigator.locks.request`. */
export interface TabLockOptions {
  /** Takes it from whoever has it. */
  readonly steal?: boolean
  /** Gives up waiting for it. */
  readonly signal?: AbortSignal
}

/** What tabs of one origin have in common. */
export interface TabsEnvironment {
  /** Joins a channel, whose members don't hear themselves. */
  openChannel(name: string, onMessage: (message: unknown) => void): TabChannel
  /**
   * Calls `hold` with the lock, and keeps it until that is done. Resolves then; rejects with an
   * `AbortError` if the lock is taken away, with another error if none can be had. A tab that is gone has no locks.
   */
  requestLock(name: string, options: TabLockOptions, hold: () => Promise<void>): Promise<void>
  /**
   * Calls back when the tab is about to be frozen: it keeps its locks, but does nothing with them. Returns what
   * undoes that.
   */
  onFreeze(callback: () => void): (() => void) | undefined
}

/** Gives what browsers have; `undefined` where that is missing, and outside of pages. */
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
