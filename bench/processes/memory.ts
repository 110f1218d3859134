import { setTimeout as pause } from 'node:timers/promises'

/** Watches how large the process gets. */
export interface MemoryWatch {
  /** Begins, at what there is now. */
  watch(): void
  /** How many bytes of RSS were added since, at most. */
  growth(): number
}

const everyMs = 20
const collections = 4
const collectionMs = 100

/** Creates a watch of this process's memory. */
export function createMemoryWatch(): MemoryWatch {
  let timer: NodeJS.Timeout | undefined
  let before = 0
  let peak = 0
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  return {
    watch() {
      clearInterval(timer)
      before = process.memoryUsage.rss()
      peak = before
      timer = setInterval(look, everyMs)
    },
    growth() {
      look()
      clearInterval(timer)
      return peak - before
    },
  }
}

/** What this process holds once its garbage is collected. */
export async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < collections; i++) {
    // As when memory is short: what the heap would give back then isn't counted.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await pause(collectionMs)
  }
  return process.memoryUsage()
}
