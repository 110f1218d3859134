import { setTimeout as pause } from 'node:timers/promises'

/** Watches the size of the process. */
export interface MemoryWatch {
  /** Starts the watch at the current size. */
  watch(): void
  /** The highest growth of RSS since the start, in bytes. */
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

/** The memory that this process uses after a garbage collection. */
export async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < collections; i++) {
    // Collects as if memory were short, so that memory that the heap could return isn't counted.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await pause(collectionMs)
  }
  return process.memoryUsage()
}
