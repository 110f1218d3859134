import type { AnyTRPCRouter } from '@trpc/server'
import { encode } from '@trpc-sse/protocol'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { follow, untypedClient } from '../../../tests/support/follow.ts'
import { type ManualClock, manualClock } from '../../../tests/support/manual-clock.ts'
import { eventSourceOver } from '../../../tests/support/simulated-event-source.ts'
import { sseLink } from './index.ts'

/** How a simulated answer goes wrong, or doesn't. */
const fates = [
  'offline',
  '502',
  '429',
  'html',
  'silent',
  'cut',
  'end',
  'reconnect',
  'error',
  'fine',
] as const
const lastEvent = 30

/** The randomness of a simulation: returns a number from 0 up to, but not including, `below`. */
type Dice = (below: number) => number

/** A `fetch` over a bad network to a server with 30 events. */
function badNetwork(dice: Dice) {
  return async (url: string): Promise<Response> => {
    const fate = fates[dice(fates.length)] ?? 'fine'
    if (fate === 'offline') throw new TypeError('fetch failed')
    if (fate === '502') return new Response('bad gateway', { status: 502 })
    if (fate === '429') return new Response('', { status: 429, headers: { 'retry-after': '3' } })
    if (fate === 'html' && dice(4) === 0)
      return new Response('<html>', { headers: { 'content-type': 'text/html' } })
    const position = Number(new URL(url).searchParams.get('lastEventId') ?? 0)
    const bytes = new TextEncoder().encode(stream(position, fate, dice))
    const length = fate === 'cut' ? dice(bytes.length) : bytes.length
    const headers = { 'content-type': 'text/event-stream' }
    return new Response(inChunks(bytes.subarray(0, length), fate, dice), { headers })
  }
}

function stream(position: number, fate: string, dice: Dice): string {
  const until = Math.min(lastEvent, position + dice(8))
  let text = encode({ event: 'connected', data: '{"reconnectAfterInactivityMs":5000}' })
  for (let id = position + 1; id <= until; id++) {
    text += encode({ data: String(id), id: String(id) })
    if (dice(3) === 0) text += encode({ event: 'ping', data: '' })
    if (dice(3) === 0)
      text +=
        encode({ data: '"untracked"', id: '' }) +
        encode({ event: 'restore-id', data: '', id: String(id) })
  }
  if (fate === 'error')
    text += encode({ event: 'serialized-error', data: '{"code":-32603,"message":"x"}' })
  if (fate === 'reconnect') {
    text += encode({ event: 'reconnect', data: '{}' })
    // The old stream continues beside the new one, which sends the same events again.
    for (let id = until + 1; id <= Math.min(lastEvent, until + dice(4)); id++)
      text += encode({ data: String(id), id: String(id) })
  }
  if (fate === 'fine' && until === lastEvent) text += encode({ event: 'return', data: '' })
  return text
}

function inChunks(bytes: Uint8Array, fate: string, dice: Dice): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent < bytes.length) {
        const from = sent
        sent += 1 + dice(40)
        return controller.enqueue(bytes.slice(from, sent))
      }
      if (fate === 'cut') return controller.error(new TypeError('terminated'))
      if (fate !== 'silent') controller.close()
    },
  })
}

/** Lets time pass only when all work that needs no timer is done. */
async function runUntil(isDone: () => boolean, clock: ManualClock): Promise<void> {
  while (!isDone()) {
    await new Promise((resolve) => setImmediate(resolve))
    const [nextMs] = clock.timers()
    if (nextMs !== undefined) clock.advance(nextMs)
  }
}

it.each([
  { by: 'fetch', receive: (fetch: ReturnType<typeof badNetwork>) => ({ fetch }) },
  {
    by: 'EventSource',
    receive: (fetch: ReturnType<typeof badNetwork>) => ({ EventSource: eventSourceOver(fetch) }),
  },
])(
  'P34: by $by, delivers every event once and in order, however bad the network is',
  async ({ receive }) => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (numbers) => {
        const dice: Dice = (below) => (numbers.next().value ?? 0) % below
        const clock = manualClock()
        const given = { url: 'http://simulated', clock, mode: 'single' } as const
        const link = sseLink<AnyTRPCRouter>({ ...given, ...receive(badNetwork(dice)) })
        const { news } = follow(untypedClient(link), 'p')
        await runUntil(
          () => news.some(([event]) => event === 'complete' || event === 'error'),
          clock,
        )
        const events = news.filter(([event, data]) => event === 'data' && data !== 'untracked')
        expect(events.map(([, data]) => data)).toEqual(
          Array.from({ length: lastEvent }, (_, i) => ({ id: String(i + 1), data: i + 1 })),
        )
        expect(news.at(-1)).toEqual(['complete'])
        expect(clock.timers()).toEqual([])
      }),
      { numRuns: 200 },
    )
  },
)
