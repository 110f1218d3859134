import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { initTRPC } from '@trpc/server'
import { afterEach, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { openRaw } from '../../../../../tests/support/http.ts'
import { createInbox } from '../../../../../tests/support/inbox.ts'
import { serveRouter } from '../../../../../tests/support/router-server.ts'
import { channel, createChannels } from '../../index.ts'

const t = initTRPC.create()
afterEach(() => vi.restoreAllMocks())

async function setup() {
  const channels = createChannels({ channels: { numbers: channel({ event: z.number() }) } })
  const router = t.router({
    numbers: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const responses = createInbox<ServerResponse>()
  const server = await serveRouter(router, {
    channels,
    middleware(_req, res, next) {
      responses.put(res)
      next()
    },
  })
  return Object.assign(server, { channels, responses })
}

it.each(['write', 'flush', 'end'] as const)(
  'a response whose %s throws is cut, and other responses continue',
  async (method) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    await using server = await setup()
    const numbers = server.channels.numbers()
    using bad = await openRaw(`${server.url}/numbers`)
    await bad.nextMany(2)
    const response = await server.responses.take()
    // This reader was added to the hub later, so it is notified later.
    using good = await openRaw(`${server.url}/numbers`)
    await good.nextMany(2)
    const failure = new Error('a wrapper')
    Object.assign(response, {
      // A replaced `write` makes the writer use the response, and not write directly to the socket.
      write: response.write.bind(response),
      [method]() {
        throw failure
      },
    })
    await numbers.publish(1)
    await setImmediate()
    if (method === 'end') expect(server.link.disconnect(() => true)).toBe(2)
    else await numbers.publish(2)
    await bad.over
    expect(told).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining('A stream was cut'),
      failure,
    )
    const seen = (await good.nextMany(2)).map(({ event, data }) => `${event} ${data}`)
    expect(seen).toEqual([
      'message 1',
      method === 'end' ? 'reconnect {"reason":"disconnect"}' : 'message 2',
    ])
    expect(server.link.stats().connections).toBe(method === 'end' ? 0 : 1)
    await server.channels.close()
  },
)
