import { type Clock, shortHash } from '@trpc-sse/protocol'
import type { Fetch } from './fetch.ts'

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
/** How many are: the newest. */
const mostAnswers = 10

type Answer = readonly [server: string, status: number, atMs: number]

/** Creates a memory in `localStorage`, where all pages of the origin find it. Elsewhere it is as old as the link. */
export function createFallbackMemory(clock: Clock, fetch: Fetch): FallbackMemory {
  let server = ''
  let own = '[]'

  function isFresh(answer: unknown): answer is Answer {
    const [of, status, atMs] = Object(answer)
    const ageMs = clock.now() - atMs
    // One from the future is of a clock that was set back since.
    return typeof of === 'string' && [404, 405, 415].includes(status) && ageMs >= 0 && ageMs < forMs
  }

  function read(): Answer[] {
    try {
      return JSON.parse(storage()?.getItem(name) ?? own).filter(isFresh)
    } catch {
      return []
    }
  }

  function write(...answers: readonly Answer[]): void {
    const others = read().filter(([of]) => of !== server)
    own = JSON.stringify([...others, ...answers].slice(-mostAnswers))
    try {
      storage()?.setItem(name, own)
    } catch {
      // No room, or not allowed: then the next page asks again.
    }
  }

  return {
    async fetch(url, init) {
      const [address = ''] = url.split('?', 1)
      server = shortHash(address)
      const [, status] = read().find(([of]) => of === server) ?? []
      return status === undefined ? fetch(url, init) : new Response('', { status })
    },
    remember: (status) => write([server, status, clock.now()]),
    forget: () => write(),
  }
}

/** Only that of a page: elsewhere to look at it can be a warning, or an error. */
function storage(): Storage | undefined {
  return globalThis.document ? globalThis.localStorage : undefined
}
