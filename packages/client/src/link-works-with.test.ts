import { createTRPCUntypedClient, loggerLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { describe, expect, it } from 'vitest'
import { untypedClient } from '../../../tests/support/follow.ts'
import { createInbox } from '../../../tests/support/inbox.ts'
import { scriptedServer } from '../../../tests/support/scripted-server.ts'
import { sseLink } from './index.ts'

describe("tRPC's own", () => {
  it('loggerLink logs a subscription, its events and its end', async () => {
    await using server = await scriptedServer()
    const logged = createInbox<string>()
    const log = (...[first]: unknown[]): void => logged.put(String(first))
    const logger = loggerLink<AnyTRPCRouter>({ console: { log, error: log }, colorMode: 'none' })
    const client = createTRPCUntypedClient({
      links: [logger, sseLink<AnyTRPCRouter>({ url: server.url, mode: 'single' })],
    })
    client.subscription('room.onMessage', undefined, { onData() {} })
    const request = await server.request()
    request.open().send({ data: '1' }, { event: 'return', data: '' })
    const lines = await logged.takeMany(2)
    expect(lines.every((line) => line.includes('subscription'))).toBe(true)
  })

  it('for await reads a subscription, and ends it (from 11.25)', async ({ skip }) => {
    await using server = await scriptedServer()
    const client = untypedClient(sseLink<AnyTRPCRouter>({ url: server.url, mode: 'single' }))
    const subscription: object = client.subscription('room.onMessage', undefined, {})
    if (!isAsyncIterable(subscription)) return skip('this version has callbacks only')
    const request = await server.request()
    request
      .open()
      .send({ data: '1', id: '1-0' }, { data: '2', id: '2-0' }, { data: '3', id: '3-0' })
    const read: unknown[] = []
    for await (const event of subscription) {
      read.push(event)
      if (read.length === 2) break
    }
    expect(read).toEqual([
      { id: '1-0', data: 1 },
      { id: '2-0', data: 2 },
    ])
    await request.gone
  })
})

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value
}
