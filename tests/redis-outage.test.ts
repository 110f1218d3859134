import { createTRPCUntypedClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import { type RedisBackendOptions, type RedisStatus, redisBackend } from '@trpc-sse/redis'
import { type Backend, type ChannelLog, channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { listen } from './support/http.ts'
import { createInbox, type Inbox } from './support/inbox.ts'
import { freePort, type RedisServer, startRedis } from './support/redis.ts'

const log: ChannelLog = { key: 'log', retain: { events: 100, forMs: 600_000 } }
const silent = { onEvent() {}, onInterrupted() {} }

let server: RedisServer
let backends: Backend[]
let statuses: Inbox<RedisStatus>
beforeEach(async () => {
  server = await startRedis()
  backends = []
  statuses = createInbox()
})
afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()))
  await server[Symbol.asyncDispose]()
})

function open(options: RedisBackendOptions = {}, url = server.url): Backend {
  const onStatus = (status: RedisStatus): void => statuses.put(status)
  const backend = redisBackend(
    { url },
    { commandTimeoutMs: 400, probeMs: 100, onStatus, ...options },
  )
  backends.push(backend)
  return backend
}

/** Opens both connections. */
async function connect(backend: Backend): Promise<void> {
  await backend.append(log, ['1'])
  await backend.listen(log, silent)
}

describe('an outage of Redis is reported once when it begins and once when it ends', () => {
  it.each([
    ['for commands and subscriptions', connect],
    ['for subscriptions alone', (backend: Backend) => backend.listen(log, silent)],
    ['for commands alone', (backend: Backend) => backend.append(log, ['1'])],
  ])('%s: the server crashes', async (_, use) => {
    await use(open())
    await server.kill()
    expect(await statuses.take()).toMatchObject({ status: 'lost', error: expect.any(Error) })
    await server.restart()
    expect(await statuses.take()).toMatchObject({
      status: 'connected',
      lostForMs: expect.any(Number),
    })
    await server.admin.ping()
    expect(statuses.items).toHaveLength(2)
  })

  it('the server hangs, and no command is sent', async () => {
    await connect(open())
    server.freeze()
    expect(await statuses.take()).toMatchObject({ status: 'lost' })
    server.thaw()
    expect(await statuses.take()).toMatchObject({ status: 'connected' })
  })

  it('the server was never up', async () => {
    const port = await freePort()
    const backend = open({}, `redis://127.0.0.1:${port}`)
    const using = backend.listen(log, silent).catch(() => {})
    expect(await statuses.take()).toMatchObject({ status: 'lost' })
    await using
    await withServer(port, async () => {
      const again = backend.append(log, ['1'])
      expect(await statuses.take()).toMatchObject({ status: 'connected' })
      await again.catch(() => {})
    })
  })

  it('but not if connections were only cut', async () => {
    const backend = open()
    await connect(backend)
    const interrupted = createInbox<true>()
    await backend.listen(log, { onEvent() {}, onInterrupted: () => interrupted.put(true) })
    await server.admin.call('client', 'kill', 'type', 'pubsub')
    await server.admin.call('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await interrupted.take()
    await backend.append(log, ['2'])
    expect(statuses.items).toEqual([])
  })

  it('and the app’s close() during an outage is not reported as its end', async () => {
    const backend = open()
    await connect(backend)
    await server.kill()
    await statuses.take()
    await backend.close()
    expect(statuses.items).toHaveLength(1)
  })
})

/** Runs something while there is a server at a port. */
async function withServer(port: number, run: () => Promise<void>): Promise<void> {
  await using _server = await startRedis({ port })
  await run()
}

describe('by default, an outage', () => {
  it.each([
    ['logs two lines', {}, [/can't be reached/, /can be reached again, after \d+ s/]],
    ['logs nothing if the app has an onError', { onError() {} }, []],
  ] as const)('%s', async (_, options, lines) => {
    const said = createInbox<string>()
    const spies = (['info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((text) => said.put(String(text))),
    )
    const backend = redisBackend({ url: server.url }, { commandTimeoutMs: 400, ...options })
    backends.push(backend)
    await connect(backend)
    await server.kill()
    await expect(backend.append(log, ['1'])).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' })
    await server.restart()
    await expect.poll(() => backend.append(log, ['2']).catch(() => undefined)).toBeDefined()
    for (const line of lines) expect(await said.take()).toMatch(line)
    expect(said.items).toHaveLength(lines.length)
    for (const spy of spies) spy.mockRestore()
  })
})

describe('a subscription that can’t start during an outage', () => {
  it.each(['multiplexed', 'single'] as const)(
    'has the error in its connection state, and starts afterwards (%s)',
    async (mode) => {
      const port = await freePort()
      const channels = createChannels({
        backend: open({}, `redis://127.0.0.1:${port}`),
        channels: { numbers: channel({ event: z.number() }) },
        onError() {},
      })
      const t = initTRPC.create()
      const router = t.router({
        onNumber: t.procedure.subscription((opts) =>
          channels.numbers().subscribe({ ...opts, replay: 'all' }),
        ),
      })
      const http = createHTTPServer({ router, channels, onError() {} })
      await using address = await listen(http)
      const states: Inbox<unknown> = createInbox()
      const events: Inbox<unknown> = createInbox()
      const retry = { baseMs: 10, maxMs: 100 }
      const client = createTRPCUntypedClient({
        links: [sseLink({ url: address.url, retry, mode })],
      })
      const subscription = client.subscription('onNumber', undefined, {
        onConnectionStateChange: ({ state, error }) => {
          if (state === 'connecting' && error) states.put(error)
        },
        onData: (event) => events.put(event),
      })
      expect(await states.take()).toMatchObject({
        message: expect.stringMatching(/can't be reached/),
      })
      await withServer(port, async () => {
        await expect
          .poll(() =>
            channels
              .numbers()
              .publish(7)
              .catch(() => undefined),
          )
          .toBeDefined()
        expect(await events.take()).toMatchObject({ data: 7 })
        subscription.unsubscribe()
        await channels.close()
      })
    },
  )
})
