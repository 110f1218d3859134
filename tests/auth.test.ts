import type { Server } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { TRPCClientError } from '@trpc/client'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { listen, type TestServer } from './support/http.ts'
import { createInbox, type Inbox } from './support/inbox.ts'

/** The exports of docs/auth.md that this test uses. */
interface ServerPage {
  readonly sessions: Map<string, { userId: string; expiresAt: number }>
  readonly channels: {
    inbox(params: { userId: string }): { publish(text: string): Promise<unknown> }
  }
  readonly server: Server
  logOutEverywhere(userId: string): Promise<number>
}

interface Client {
  readonly onInbox: {
    subscribe(
      input: undefined,
      handlers: {
        onData(event: { data: string }): void
        onStarted(): void
        onError(error: TRPCClientError<never>): void
      },
    ): { unsubscribe(): void }
  }
  readonly whoami: { query(): Promise<string> }
}

let docs: DocFiles
let page: ServerPage
let app: TestServer
beforeAll(async () => {
  docs = writeDocFiles('docs/auth.md', 'auth')
  page = await import(docs.path('server.ts'))
  app = await listen(page.server)
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  docs[Symbol.dispose]()
})

/** Creates a user with a token, and counts how often the token is renewed. */
function createUser(userId: string) {
  let count = 0
  let token = ''
  const issue = (): void => {
    token = `${userId}-${++count}`
    page.sessions.set(token, { userId, expiresAt: Infinity })
  }
  issue()
  const user = {
    isLoggedOut: false,
    renewals: 0,
    token: () => token,
    async renew(sent: string): Promise<boolean> {
      if (user.isLoggedOut) return false
      if (sent === token) {
        user.renewals += 1
        issue()
      }
      return true
    },
    expire: () => void Object.assign(page.sessions.get(token) ?? {}, { expiresAt: 0 }),
    expireIn: (ms: number) =>
      void Object.assign(page.sessions.get(token) ?? {}, { expiresAt: Date.now() + ms }),
    issue,
    publish: (text: string) => page.channels.inbox({ userId }).publish(text),
  }
  return user
}

function followInbox(
  client: Client,
): { texts: Inbox<string>; errors: Inbox<string>; started: Inbox<true> } & Disposable {
  const texts = createInbox<string>()
  const errors = createInbox<string>()
  const started = createInbox<true>()
  const { unsubscribe } = client.onInbox.subscribe(undefined, {
    onStarted: () => started.put(true),
    onData: ({ data }) => texts.put(data),
    onError: ({ message }) => errors.put(message),
  })
  return { texts, errors, started, [Symbol.dispose]: unsubscribe }
}

describe('a bearer token, as docs/auth.md has it', () => {
  it('that has expired is renewed once for all requests, and every subscription continues from its position', async () => {
    const { createClient } = await import(docs.path('client.ts'))
    const ann = createUser('ann')
    const client: Client = createClient(app.url, ann)
    using inbox = followInbox(client)
    using second = followInbox(client)
    await inbox.started.take()
    await ann.publish('one')
    expect(await inbox.texts.take()).toBe('one')
    ann.expire()
    expect(await page.logOutEverywhere('ann')).toBe(1)
    await ann.publish('two')
    const [userId] = await Promise.all([client.whoami.query(), inbox.texts.take()])
    expect(userId).toBe('ann')
    await ann.publish('three')
    expect(await inbox.texts.take()).toBe('three')
    expect(inbox.texts.items).toEqual(['one', 'two', 'three'])
    await expect.poll(() => second.texts.items).toEqual(['one', 'two', 'three'])
    expect(ann.renewals).toBe(1)
    expect([...inbox.errors.items, ...second.errors.items]).toEqual([])
  })

  it('that is about to expire is renewed before the stream ends, and no event is lost', async () => {
    const { createClient } = await import(docs.path('client.ts'))
    const dan = createUser('dan')
    dan.expireIn(6_500)
    using inbox = followInbox(createClient(app.url, dan))
    await inbox.started.take()
    let published = 0
    while (dan.renewals === 0) {
      published += 1
      await dan.publish(`${published}`)
      await setTimeout(50)
    }
    // The old stream may still be open: its token is valid.
    await dan.publish('last')
    await expect.poll(() => inbox.texts.items.at(-1)).toBe('last')
    expect(inbox.texts.items).toHaveLength(published + 1)
    expect(inbox.errors.items).toEqual([])
    expect(dan.renewals).toBe(1)
  })

  it('that can’t be renewed ends subscriptions with UNAUTHORIZED', async () => {
    const { createClient } = await import(docs.path('client.ts'))
    const bob = createUser('bob')
    using inbox = followInbox(createClient(app.url, bob))
    await inbox.started.take()
    bob.isLoggedOut = true
    bob.expire()
    expect(await page.logOutEverywhere('bob')).toBe(1)
    expect(await inbox.errors.take()).toBe('UNAUTHORIZED')
  })

  it('that was bad when a subscription was added is renewed for the running stream, too', async () => {
    const { createClient } = await import(docs.path('client.ts'))
    const cid = createUser('cid')
    const client: Client = createClient(app.url, cid)
    using inbox = followInbox(client)
    await inbox.started.take()
    await cid.publish('one')
    await inbox.texts.take()
    cid.expire()
    using late = followInbox(client)
    await late.started.take()
    await cid.publish('two')
    expect(await inbox.texts.take()).toBe('two')
    expect(await late.texts.take()).toBe('two')
    expect(inbox.errors.items).toEqual([])
  })
})

describe('a bad token that makes a guest of its user', () => {
  /** A server on which an invalid token means a guest, and a client with an open stream. */
  async function setup(more: {
    connectionKey?: (ctx: { userId: string | undefined }) => string | undefined
  }) {
    const t = initTRPC.context<{ userId: string | undefined }>().create()
    const refusals = createInbox<string>()
    const endless = async function* ({
      signal,
    }: {
      signal: AbortSignal | undefined
    }): AsyncGenerator<string> {
      yield 'hello'
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }
    const router = t.router({
      onInbox: t.procedure.subscription((opts) => {
        if (opts.ctx.userId === undefined) throw new TRPCError({ code: 'UNAUTHORIZED' })
        return endless(opts)
      }),
      onNews: t.procedure.subscription(endless),
    })
    const guestOr = (header: string | undefined): string | undefined =>
      header === 'Bearer bad' ? undefined : header
    const server = await listen(
      createHTTPServer({
        router,
        createContext: ({ req }) => ({ userId: guestOr(req.headers.authorization) }),
        onError: ({ error }) => refusals.put(error.code),
        ...more,
      }),
    )
    const { createClient } = await import(docs.path('retry.ts'))
    let token = 'bad'
    const client = createClient(server.url, (isRefused: boolean) => {
      if (isRefused) token = 'good'
      return token
    })
    const news = createInbox<string>()
    const inbox = createInbox<string>()
    const onNews = client.onNews.subscribe(undefined, { onData: news.put })
    await news.take()
    const onInbox = client.onInbox.subscribe(undefined, { onData: inbox.put })
    return {
      inbox,
      refusals,
      async [Symbol.asyncDispose]() {
        onNews.unsubscribe()
        onInbox.unsubscribe()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  it.each([
    ['a server that knows who it is by a connectionKey', { connectionKey: ({ userId }) => userId }],
    ['one that has none', {}],
  ] satisfies [string, Parameters<typeof setup>[0]][])(
    'is renewed by retryLink, at %s',
    async (_what, more) => {
      await using s = await setup(more)
      expect(await s.inbox.take()).toBe('hello')
      expect(s.refusals.items).toEqual(['UNAUTHORIZED'])
    },
  )
})

describe('stock clients', () => {
  it('send a token in connectionParams', async () => {
    vi.stubGlobal('EventSource', EventSource)
    const { createClient } = await import(docs.path('stock.ts'))
    const dan = createUser('dan')
    using inbox = followInbox(createClient(app.url, async () => dan.token()))
    await inbox.started.take()
    await dan.publish('hello')
    expect(await inbox.texts.take()).toBe('hello')
    vi.unstubAllGlobals()
  })
})
