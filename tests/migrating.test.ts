import { createTRPCUntypedClient } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { createInbox } from './support/inbox.ts'
import { freePort, type RedisServer, startRedis } from './support/redis.ts'
import { serveRouter } from './support/router-server.ts'
import { startTcpProxy } from './support/tcp-proxy.ts'

interface Message {
  readonly id: string
  readonly data: { readonly text: string }
}

interface ChatClient {
  readonly onMessage: {
    subscribe(
      input: { room: string; lastEventId?: string },
      handlers: {
        onData?(message: Message): void
        onStarted?(): void
        onError?(error: Error): void
      },
    ): { unsubscribe(): void }
  }
  readonly send: {
    mutate(message: { room: string; author: string; text: string }): Promise<{ id: string }>
  }
}

/** Subscribes. Resolves when the subscription runs. */
async function follow(client: ChatClient, room: string, lastEventId?: string) {
  const inbox = createInbox<Message>()
  const input = lastEventId === undefined ? { room } : { room, lastEventId }
  const { unsubscribe } = await new Promise<{ unsubscribe(): void }>((resolve, reject) => {
    const subscription = client.onMessage.subscribe(input, {
      onData: inbox.put,
      onStarted: () => queueMicrotask(() => resolve(subscription)),
      onError: reject,
    })
  })
  return { ...inbox, unsubscribe }
}

/** Waits until a condition holds. */
const until = (isSo: () => Promise<unknown>): Promise<unknown> =>
  vi.waitFor(isSo, { timeout: 30_000 })

const textOf = ({ data }: Message): string => data.text

describe('docs/migrating-from-websockets.md', () => {
  interface Servers {
    readonly server: { closeAllConnections(): void }
    stop(): Promise<void>
  }

  let docs: DocFiles
  let servers: Servers
  let before: { client: ChatClient; socket: { close(): Promise<void> } }
  let after: { client: ChatClient }
  beforeAll(async () => {
    const port = await freePort()
    docs = writeDocFiles('docs/migrating-from-websockets.md', 'websockets', (code) =>
      code.replaceAll('3000', `${port}`).replace('10_000', '10'),
    )
    servers = await import(docs.path('both.ts'))
    before = await import(docs.path('before.ts'))
    after = await import(docs.path('after.ts'))
  })
  afterAll(async () => {
    await before.socket.close()
    await servers.stop()
    servers.server.closeAllConnections()
    docs[Symbol.dispose]()
  })

  it('serves the same events over both at once, whichever client sends them', async () => {
    const old = await follow(before.client, 'both')
    const young = await follow(after.client, 'both')
    await before.client.send.mutate({ room: 'both', author: 'ann', text: 'over a socket' })
    await after.client.send.mutate({ room: 'both', author: 'bob', text: 'over HTTP' })
    const messages = await old.takeMany(2)
    expect(messages.map(textOf)).toEqual(['over a socket', 'over HTTP'])
    expect(await young.takeMany(2)).toEqual(messages)
    old.unsubscribe()
    young.unsubscribe()
  })

  it('lets a client that changes continue from its position', async () => {
    const old = await follow(before.client, 'moving')
    const send = (text: string) =>
      before.client.send.mutate({ room: 'moving', author: 'ann', text })
    await send('one')
    const { id } = await old.take()
    old.unsubscribe()
    await send('two')
    const young = await follow(after.client, 'moving', id)
    await send('three')
    expect((await young.takeMany(2)).map(textOf)).toEqual(['two', 'three'])
    expect(young.items).toHaveLength(2)
    young.unsubscribe()
  })
})

describe('docs/migrating-from-redis.md', () => {
  let redis: RedisServer
  let docs: DocFiles
  const stops: (() => unknown)[] = []
  beforeAll(async () => {
    redis = await startRedis()
    docs = writeDocFiles('docs/migrating-from-redis.md', 'redis', (code) =>
      code.replaceAll('redis://localhost:6379', redis.url),
    )
  })
  afterAll(async () => {
    for (const stop of stops) await stop()
    docs[Symbol.dispose]()
    await redis[Symbol.asyncDispose]()
  })

  /**
   * Sends a message before, during and after an interruption. Returns the texts that a client has
   * received.
   */
  async function textsOverCut(router: ChatRouter): Promise<ReadonlySet<string>> {
    await using server = await serveRouter(router as never)
    await using proxy = await startTcpProxy(Number(new URL(server.url).port))
    const url = `http://127.0.0.1:${proxy.port}`
    const client = createTRPCUntypedClient({
      links: [sseLink<AnyTRPCRouter>({ url, retry: { maxMs: 50 } })],
    })
    const texts = new Set<string>()
    const { unsubscribe } = client.subscription(
      'onMessage',
      { room: 'lobby' },
      {
        onData: (message) => texts.add(messageIn(message).text),
      },
    )
    const { send } = router.createCaller({})
    /** Publishes repeatedly, because such code can't report when it has begun to listen. */
    const untilHeard = (text: string): Promise<unknown> =>
      until(async () => {
        await send({ room: 'lobby', text })
        expect(texts).toContain(text)
      })
    await untilHeard('before')
    proxy.refusing = true
    proxy.cut()
    await until(async () => expect(server.link.stats().subscriptions).toBe(0))
    await send({ room: 'lobby', text: 'during' })
    proxy.refusing = false
    await untilHeard('after')
    unsubscribe()
    return texts
  }

  it("loses what is published while a client reconnects, with the app's own pub/sub", async () => {
    const page: { appRouter: ChatRouter; stop(): void } = await import(
      docs.path('before-pubsub.ts')
    )
    stops.push(page.stop)
    expect(await textsOverCut(page.appRouter)).toEqual(new Set(['before', 'after']))
  })

  it.each(['before-streams.ts', 'after.ts'])('loses nothing with %s', async (file) => {
    const page: { appRouter: ChatRouter; channels?: Chats; stop?(): void } = await import(
      docs.path(file)
    )
    stops.push(() => page.channels?.close() ?? page.stop?.())
    expect(await textsOverCut(page.appRouter)).toEqual(new Set(['before', 'during', 'after']))
  })

  it('receives what others publish in the old way, once for all processes', async () => {
    const { startBridge }: { startBridge(): Promise<Redis> } = await import(docs.path('bridge.ts'))
    const { channels }: { channels: Chats } = await import(docs.path('after.ts'))
    const bridges = await Promise.all([startBridge(), startBridge()])
    const events = channels
      .chat({ room: 'old' })
      .subscribe({ replay: 'all' })
      [Symbol.asyncIterator]()
    await redis.admin.publish('chat:old', '{"id":"1","text":"one"}')
    await redis.admin.publish('chat:old', '{"id":"2","text":"two"}')
    const heard = [await events.next(), await events.next()].map(({ value }) => value?.[1])
    expect(heard).toEqual([{ text: 'one' }, { text: 'two' }])
    await events.return?.()
    for (const bridge of bridges) bridge.disconnect()
    expect((await channels.chat({ room: 'old' }).history({ last: 10 })).events).toHaveLength(2)
  })
})

interface ChatRouter {
  createCaller(context: object): { send(message: { room: string; text: string }): Promise<unknown> }
}

interface Chats {
  chat(params: { room: string }): {
    subscribe(options: { replay: 'all' }): AsyncIterable<readonly [id: string, message: unknown]>
    history(range: { last: number }): Promise<{ readonly events: readonly unknown[] }>
  }
  close(): Promise<void>
}

/** Returns the message of a value, which may have an id. */
function messageIn(data: unknown): { readonly text: string } {
  const message = data as { data?: { text: string }; text: string }
  return message.data ?? message
}

describe('docs/migrating-from-upstash-realtime.md', () => {
  it('publishes, reads the history, and delivers it to a client of its route', async () => {
    await using redis = await startRedis()
    using docs = writeDocFiles('docs/migrating-from-upstash-realtime.md', 'upstash', (code) =>
      code.replaceAll('redis://localhost:6379', redis.url),
    )
    const { greet }: { greet(room: string): Promise<string[]> } = await import(docs.path('emit.ts'))
    const { POST }: { POST(request: Request): Promise<Response> } = await import(
      docs.path('route.ts')
    )
    const { channels }: { channels: Chats } = await import(docs.path('router.ts'))
    expect(await greet('lobby')).toEqual(['hello'])

    const inbox = createInbox<unknown>()
    const url = 'http://localhost/api/trpc'
    const fetch = (address: string, init: RequestInit) => POST(new Request(address, init))
    const client = createTRPCUntypedClient({ links: [sseLink<AnyTRPCRouter>({ url, fetch })] })
    const { unsubscribe } = client.subscription('onChat', { room: 'lobby' }, { onData: inbox.put })
    const first = await inbox.take()
    expect(await greet('lobby')).toEqual(['hello', 'hello'])
    expect([first, await inbox.take()]).toEqual(
      Array(2).fill({ id: expect.any(String), data: { type: 'message', text: 'hello' } }),
    )
    unsubscribe()
    await channels.close()
  })
})
