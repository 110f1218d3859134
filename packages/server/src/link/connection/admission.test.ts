import { initTRPC } from '@trpc/server'
import { createDecoder } from '@trpc-sse/protocol'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manualClock } from '../../../../../tests/support/manual-clock.ts'
import { channel, createChannels, createServerLink } from '../../index.ts'
import { stepsPerTurn } from './turns.ts'

const t = initTRPC.create()

function setup(waiting?: number) {
  const clock = manualClock()
  const channels = createChannels({ channels: { log: channel({ event: z.number() }) } })
  const router = t.router({
    log: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
  })
  const contexts = { made: 0 }
  const link = createServerLink({
    router,
    channels,
    clock: { ...clock, random: Math.random },
    ...(waiting !== undefined && { limits: { waiting } }),
    createContext() {
      contexts.made += 1
      return {}
    },
  })
  const body = JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path: 'log' } } })
  const headers = { 'content-type': 'application/json' }
  return {
    clock,
    channels,
    contexts,
    link,
    ask: (signal?: AbortSignal) =>
      link.fetch(new Request('http://localhost/log', signal ? { signal } : {})),
    askForMany: () =>
      link.fetch(new Request('http://localhost/~sse', { method: 'POST', headers, body })),
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Collects the names and data of messages as they arrive. */
function readMessages({ body }: Response): string[] {
  const messages: string[] = []
  const decoder = createDecoder({
    onMessage: ({ event, data }) => messages.push(`${event} ${data}`),
  })
  void (async () => {
    for await (const chunk of body ?? []) decoder.push(chunk)
  })()
  return messages
}

describe('when many clients arrive at once', () => {
  it('opens a few in each turn, in order, and sends events to open streams in between', async () => {
    const s = setup()
    const there = readMessages(await s.ask())
    await settled()
    const answered: number[] = []
    const all = Array.from({ length: 100 }, async (_, index) => {
      await s.ask()
      answered.push(index)
    })
    await settled()
    expect(s.contexts.made).toBe(stepsPerTurn)
    await s.channels.log().publish(1)
    await settled()
    expect(there.at(-1)).toBe('message 1')
    expect(s.contexts.made).toBe(stepsPerTurn)
    for (let turn = 2; s.contexts.made < 101; turn++) {
      s.clock.advance(1)
      await settled()
      expect(s.contexts.made).toBe(Math.min(101, turn * stepsPerTurn))
    }
    await Promise.all(all)
    expect(answered).toEqual(Array.from({ length: 100 }, (_, index) => index))
    await s.channels.close()
  })

  it('spends no turn on clients that have left', async () => {
    const s = setup()
    const leaving = new AbortController()
    const first = Array.from({ length: stepsPerTurn }, () => s.ask())
    const left = Array.from({ length: 50 }, () => s.ask(leaving.signal))
    const last = s.ask()
    await settled()
    leaving.abort()
    s.clock.advance(1)
    await Promise.all([...first, ...left, last])
    expect(s.contexts.made).toBe(stepsPerTurn + 1)
    expect(s.link.stats().connections).toBe(stepsPerTurn + 1)
    await s.channels.close()
  })

  it('refuses clients beyond the limit with 503 and a different Retry-After for each', async () => {
    const s = setup(10)
    const all = Array.from({ length: stepsPerTurn + 10 }, () => s.askForMany())
    await settled()
    const refused = await Promise.all(Array.from({ length: 40 }, () => s.askForMany()))
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 503))
    const waits = refused.map(({ headers }) => Number(headers.get('retry-after')))
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(3)
    expect(Math.max(...waits)).toBeLessThanOrEqual(8)
    expect(new Set(waits).size).toBeGreaterThan(1)
    expect(await refused[0]?.text()).toContain('limits.waiting')
    s.clock.advance(1)
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 200))
    expect(s.link.stats()).toMatchObject({ connections: stepsPerTurn + 10, refused: 40 })
    await s.channels.close()
  })

  it('refuses in single mode in a way that an EventSource understands', async () => {
    const s = setup(0)
    const first = Array.from({ length: stepsPerTurn }, () => s.ask())
    const refused = await s.ask()
    expect(refused.status).toBe(200)
    const messages = readMessages(refused)
    await settled()
    expect(messages[0]).toContain('serialized-error')
    expect(messages[0]).toContain('SERVICE_UNAVAILABLE')
    await Promise.all(first)
    await s.channels.close()
  })
})
