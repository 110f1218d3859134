import { type Clock, shortHash } from '@trpc-sse/protocol'
import type { Fetch } from '../transport/fetch.ts'

/** Remembers that a server has no multiplexed mode, so that not every page load tries it. */
export interface FallbackMemory {
  /**
   * Sends requests of multiplexed mode. For a server without that mode, returns its earlier answer
   * instead.
   */
  readonly fetch: Fetch
  /** The server of the last request has no multiplexed mode, and answered with this status. */
  remember(status: number): void
  /** The server has multiplexed mode after all. */
  forget(): void
}

/** Statuses with which a server answers if it doesn't know `POST ~sse`. */
export const unknownStatuses: readonly number[] = [404, 405, 415]

const name = 'trpc-sse:fallback'
/** How long an answer is remembered, in milliseconds. */
const forMs = 3_600_000

/**
 * Creates a memory in `localStorage`, which all pages of the origin share. Without `localStorage`,
 * it lasts as long as the link. It holds one server, because apps have no more.
 */
export function createFallbackMemory(clock: Clock, fetch: Fetch): FallbackMemory {
  let server = ''
  let kept: string | null = null

  /** Returns the remembered status of the server; 0 if there is none. */
  function read(): number {
    try {
      kept = storage()?.getItem(name) ?? kept
    } catch {
      // Access is forbidden, so only the link remembers.
    }
    const [of, status, at] = (kept ?? '').split(' ')
    const ageMs = clock.now() - Number(at)
    // If the note is from the future, the clock was set back, so its age is unknown.
    return of === server && ageMs >= 0 && ageMs < forMs ? Number(status) : 0
  }

  function write(text: string): void {
    kept = text
    try {
      storage()?.setItem(name, text)
    } catch {
      // The storage is full or forbidden, so the next page tries again.
    }
  }

  return {
    async fetch(url, init) {
      server = shortHash(url.replace(/\?.*/s, ''))
      const status = read()
      return unknownStatuses.includes(status) ? new Response('', { status }) : fetch(url, init)
    },
    remember: (status) => write(`${server} ${status} ${clock.now()}`),
    forget: () => write(''),
  }
}

/** Returns `localStorage` only in pages. Elsewhere, reading it can cause a warning or an error. */
function storage(): Storage | undefined {
  return globalThis.document ? globalThis.localStorage : undefined
}
