import { type Clock, shortHash } from '@trpc-sse/protocol'
import type { Fetch } from '../transport/fetch.ts'

/** Remembers that a server has no multiplexed mode, so that not every page load asks for it. */
export interface FallbackMemory {
  /**
   * Sends requests of multiplexed mode. For a server without that mode, returns its earlier answer
   * instead.
   */
  readonly fetch: Fetch
  /** The server of the last request answered with this status: it has no multiplexed mode. */
  remember(status: number): void
  /** The server has multiplexed mode after all. */
  forget(): void
}

/** Answers by which a server says that it doesn't know `POST ~sse`. */
export const unknownStatuses: readonly number[] = [404, 405, 415]

const name = 'trpc-sse:fallback'
/** How long an answer is remembered, in milliseconds. */
const forMs = 3_600_000

/**
 * Creates a memory in `localStorage`, where all pages of the origin find it. Without one, it lasts
 * as long as the link. It holds one server: an app has no more.
 */
export function createFallbackMemory(clock: Clock, fetch: Fetch): FallbackMemory {
  let server = ''
  let kept: string | null = null

  /** Returns the status that the server has answered with; 0 if none is remembered. */
  function read(): number {
    try {
      kept = storage()?.getItem(name) ?? kept
    } catch {
      // Not allowed: then only the link remembers.
    }
    const [of, status, at] = (kept ?? '').split(' ')
    const ageMs = clock.now() - Number(at)
    // A note from the future is older than a clock that was set back.
    return of === server && ageMs >= 0 && ageMs < forMs ? Number(status) : 0
  }

  function write(text: string): void {
    kept = text
    try {
      storage()?.setItem(name, text)
    } catch {
      // Full, or not allowed: then the next page asks again.
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

/** Only in pages: elsewhere, reading `localStorage` can cause a warning or an error. */
function storage(): Storage | undefined {
  return globalThis.document ? globalThis.localStorage : undefined
}
