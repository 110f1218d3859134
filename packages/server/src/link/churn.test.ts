import { once } from 'node:events'
import { connect } from 'node:net'
import { initTRPC, tracked } from '@trpc/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { heapInUse } from '../../../../tests/support/heap.ts'
import { serveRouter } from '../../../../tests/support/router-server.ts'
import { channel, createChannels, createServerLink } from '../index.ts'

const t = initTRPC.create()

function setup() {
  const channels = createChannels({ channels: { log: channel({ event: z.number() }) } })
  const generators = { open: 0 }
  const router = t.router({
    channel: t.procedure.subscription((opts) => channels.log().subscribe(opts)),
    filtered: t.procedure.subscription((opts) =>
      channels
        .log()
        .subscribe(opts)
        .filter((n) => n > 0),
    ),
    iterated: t.procedure.subscription(async function* (opts) {
      yield* channels.log().subscribe(opts)
    }),
    generator: t.procedure.subscription(async function* ({ signal }) {
      generators.open += 1
      try {
        yield tracked('1', 'x'.repeat(1_000))
        if (signal) await once(new EventTarget(), 'never', { signal })
      } finally {
        generators.open -= 1
      }
    }),
    slow: t.procedure.subscription(async function* ({ signal }) {
      generators.open += 1
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      generators.open -= 1
      yield 1
    }),
  })
  return { channels, generators, router }
}

const paths = ['channel', 'filtered', 'iterated', 'generator', 'slow']

/**
 * Connects, sends a request and leaves: immediately, during the response, or by ending the socket.
 */
function comeAndGo(port: number, index: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const path = paths[index % paths.length]
    socket.on('error', () => {})
    socket.once('close', () => resolve())
    socket.write(`GET /${path}?lastEventId=1-0 HTTP/1.1\r\nHost: localhost\r\n\r\n`, () => {
      if (index % 3 === 0) socket.destroy()
    })
    socket.once('data', () => (index % 3 === 1 ? socket.destroy() : socket.end()))
  })
}

async function churn(port: number, count: number): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await comeAndGo(port, next++)
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

/** The memory that 9,000 connections may leave behind: 200 bytes each would be a leak. */
const allowedBytes = 1_800_000

it('P28: 10,000 connects and disconnects leave the heap where it was', async () => {
  const warnings: string[] = []
  const onWarning = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', onWarning)
  const { channels, generators, router } = setup()
  await using server = await serveRouter(router)
  const port = Number(new URL(server.url).port)
  const settle = async (): Promise<void> => {
    while (
      (await server.connections()) > 0 ||
      server.link.stats().connections > 0 ||
      generators.open > 0
    ) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await churn(port, 1_000)
  await settle()
  const before = await heapInUse()
  await churn(port, 9_000)
  await settle()
  expect((await heapInUse()) - before).toBeLessThan(allowedBytes)
  expect(server.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  expect(warnings).toEqual([])
  process.off('warning', onWarning)
  await channels.close()
})

it('P28: 3,000 web-standard requests and cancels leave the heap where it was', async () => {
  const { channels, generators, router } = setup()
  const link = createServerLink({ router, createContext: () => ({}), onError: () => {} })
  const comeAndGoOnce = async (index: number): Promise<void> => {
    const path = paths[index % (paths.length - 1)]
    const abort = new AbortController()
    const { body } = await link.fetch(
      new Request(`http://localhost/${path}`, { signal: abort.signal }),
    )
    const reader = body?.getReader()
    if (index % 3 !== 0) await reader?.read()
    if (index % 3 === 1) abort.abort()
    else await reader?.cancel()
  }
  const churnFetch = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) await comeAndGoOnce(index)
  }
  await churnFetch(500)
  const before = await heapInUse()
  await churnFetch(2_500)
  expect((await heapInUse()) - before).toBeLessThan(allowedBytes / 3)
  expect(link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  expect(generators.open).toBe(0)
  await channels.close()
})
