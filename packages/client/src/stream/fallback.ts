import { type Clock, shortHash } from '@trpc-sse/protocol'
import type { Fetch } from '../transport/fetch.ts'

/** Remembers that a server has no multiplexed mode, so that it is not asked for it at every page load. */
export interface FallbackMemory {
  /** Sends requests of multiplexed mode. If the server is known to have none, its answer is given again, without asking. */
  readonly fetch: Fetch
  /** The server that was asked last has no such mode: so it said with this status. */
  remember(status: number): void
  /** It has, after all. */
  forget(): void
}

const name = 'trpc-sse:fallback'
/** How long an answer is remembered, in milliseconds. */
const forMs = 3_600_000

/**
 * Creates a memory in `localStorage`, where all pages of the origin find it. Elsewhere it is as old as the link. There is
 * room for one server: an app has no more.
 */
export function createFallbackMemory(clock: Clock, fetch: Fetch): FallbackMemory {
  let server = ''
  let kept: string | null = null

  /** The status that the server has answered with; 0 if it isn't known to. */
  function read(): number {
    try {
      kept = storage()?.getItem(name) ?? kept
    } catch {
      // Not allowed: then the link remembers.
    }
    const [of, status, at] = (kept ?? '').split(' ')
    const ageMs = clock.now() - Number(at)
    // One from the future is of a clock that was set back since.
    return of === server && ageMs >= 0 && ageMs < forMs ? Number(status) : 0
  }

  function write(text: string): void {
    kept = text
    try {
      storage()?.setItem(name, text)
    } catch {
      // No room, or not allowed: then the next page asks again.
    }
  }

  return {
    async fetch(url, init) {
      server = shortHash(url.replace(/\?.*/s, ''))
      const status = read()
      return [404, 405, 415].includes(status) ? new Response('', { status }) : fetch(url, init)
    },
    remember: (status) => write(`${server} ${status} ${clock.now()}`),
    forget: () => write(''),
  }
}

/** Only that of a page: elsewhere to look at it can be a warning, or an error. */
function storage(): Storage | undefined {
  return globalThis.document ? globalThis.localStorage : undefined
}
