/** The script that runs in each tab. */
import { createTRPCClient } from '@trpc/client'
import { type SseGap, sseLink } from '@trpc-sse/client'
import { tabs } from '@trpc-sse/client/tabs'
import type { NumbersRouter } from './app.ts'

const user = new URL(location.href).searchParams.get('user') ?? ''
const client = createTRPCClient<NumbersRouter>({
  links: [
    sseLink({
      url: new URL('/trpc', location.href).href,
      shareAcrossTabs: tabs(),
      headers: { authorization: user },
    }),
  ],
})
const numbers: Record<string, number[]> = {}
const troubles: string[] = []
const shown: string[] = []
addEventListener('pageshow', ({ persisted }) => shown.push(persisted ? 'brought back' : 'loaded'))

const page = {
  /** The numbers that have arrived from each room. */
  numbers,
  /** Gaps and errors, which an app would show its user. */
  troubles,
  /** How the page was shown each time: loaded, or brought back from the back/forward cache. */
  shown,
  /** Follows rooms. Resolves when all subscriptions have started. */
  async follow(rooms: readonly string[]): Promise<void> {
    await Promise.all(rooms.map((room) => new Promise<void>((resolve) => followOne(room, resolve))))
  },
  /** Whether this tab holds the group's lock, which isn't the lock of a single stream. */
  async isLeader(): Promise<boolean> {
    const { held = [] } = await navigator.locks.query()
    const own = await ownClientId()
    return held.some(
      ({ name = '', clientId }) => /^trpc-sse:\d+:\w+$/.test(name) && clientId === own,
    )
  },
}

function followOne(room: string, onStarted: () => void): void {
  const got: number[] = []
  numbers[room] = got
  client.onNumber.subscribe(
    { room },
    {
      onStarted,
      onData: ({ data }) => got.push(data.n),
      onError: ({ message }) => troubles.push(message),
      context: { onGap: (gap: SseGap) => troubles.push(JSON.stringify(gap)) },
    },
  )
}

/**
 * Returns the client id of this tab. `query` lists locks with client ids, so a lock that this tab
 * takes shows its own.
 */
async function ownClientId(): Promise<string | undefined> {
  const name = crypto.randomUUID()
  return navigator.locks.request(name, async () => {
    const { held = [] } = await navigator.locks.query()
    return held.find((lock) => lock.name === name)?.clientId
  })
}

export type TestPage = typeof page
Object.assign(globalThis, { page })
