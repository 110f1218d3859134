import { createTRPCClient, httpSubscriptionLink, type TRPCLink } from '@trpc/client'
import { TRPCError } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import type { RunItem } from '@trpc-sse/server'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { createInbox, type Inbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import { type RouterServer, serveRouter } from '../support/router-server.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { type App, type AppRouter, createApp } from './app.ts'

type News = readonly [event: string, detail?: unknown]

function newsOf(item: RunItem<string, string>): News {
  if (item.type === 'fold') return ['fold', item.value]
  if (item.type === 'delta') return ['delta', item.data]
  if (item.type === 'caught-up') return ['caught-up']
  return ['end', item.reason === undefined ? item.status : `${item.status}: ${item.reason}`]
}

interface Served extends AsyncDisposable {
  readonly app: App
  readonly proxy: TcpProxy
  readonly url: string
  /** The number of requests that the server received. */
  requests(): number
}

async function serve(): Promise<Served> {
  const stack = new AsyncDisposableStack()
  // The 20,000 deltas of one test keep the process from renewing a short lease.
  const app = createApp(undefined, 60_000)
  stack.defer(() => app.channels.close())
  const server: RouterServer = stack.use(
    await serveRouter(app.router, { channels: app.channels } as never),
  )
  let requests = 0
  server.server.on('request', () => {
    requests += 1
  })
  const proxy = stack.use(await startTcpProxy(Number(new URL(server.url).port)))
  return {
    app,
    proxy,
    url: `http://127.0.0.1:${proxy.port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** A source whose values the test controls. */
function scripted() {
  const orders = createInbox<() => string | undefined>()
  return {
    say: (text: string) => orders.put(() => text),
    end: () => orders.put(() => undefined),
    fail: (error: Error) =>
      orders.put(() => {
        throw error
      }),
    async *source() {
      for (;;) {
        const text = (await orders.take())()
        if (text === undefined) return
        yield text
      }
    },
  }
}

function followBy(
  link: TRPCLink<AppRouter>,
  kind: 'onAnswer' | 'onJob' | 'onSoon',
  lastEventId?: string,
) {
  const news = createInbox<News>()
  const client = createTRPCClient<AppRouter>({ links: [link] })
  const input = { id: 'a', ...(lastEventId !== undefined && { lastEventId }) }
  const subscription = client[kind].subscribe(input, {
    onData: ({ data }) => news.put(newsOf(data)),
    onComplete: () => news.put(['complete']),
    onError: (error) => news.put(['error', error.data?.code]),
  })
  return { news, leave: () => subscription.unsubscribe() }
}

/** Waits until the wanted text has been received. */
async function untilText(news: Inbox<News>, wanted: string): Promise<void> {
  let text = ''
  while (text.length < wanted.length) {
    const [event, detail] = await news.take()
    if (event === 'fold') text = `${detail}`
    if (event === 'delta') text += detail
  }
  expect(text).toBe(wanted)
}

/** Takes the next item that is not a mark. */
async function nextNews(news: Inbox<News>): Promise<News> {
  const item = await news.take()
  return item[0] === 'caught-up' ? await nextNews(news) : item
}

const retry = { baseMs: 10, maxMs: 50 }
const links = {
  'our link, multiplexed,': (url: string) => sseLink({ url, retry }),
  'our link in single mode': (url: string) => sseLink({ url, mode: 'single', retry }),
  'the stock link': (url: string) =>
    httpSubscriptionLink({ url, EventSource: EventSource as never }),
}

describe.each(Object.entries(links))('%s', (_, createLink) => {
  it.each(['onAnswer', 'onJob'] as const)(
    'follows %s to its end, and makes no more requests',
    async (kind) => {
      await using served = await serve()
      const { say, end, source } = scripted()
      const { news } = followBy(createLink(served.url), kind)
      const producing = served.app.channels[kind === 'onAnswer' ? 'answer' : 'job']({
        id: 'a',
      }).produce(source)
      for (const text of ['a', 'b', 'c']) say(text)
      await untilText(news, 'abc')
      end()
      expect(await nextNews(news)).toEqual(['end', 'completed'])
      expect(await news.take()).toEqual(['complete'])
      expect(await producing).toEqual({ status: 'completed' })
      const { items } = followBy(createLink(served.url), kind).news
      await expect.poll(() => items.at(-1)).toEqual(['complete'])
      expect(items.slice(-3)).toEqual([['caught-up'], ['end', 'completed'], ['complete']])
      expect(served.requests()).toBe(2)
      expect(news.items.at(-1)).toEqual(['complete'])
    },
  )

  it('resumes in the middle, and after the end', async () => {
    await using served = await serve()
    const { say, end, source } = scripted()
    const { news } = followBy(createLink(served.url), 'onAnswer')
    const producing = served.app.channels.answer({ id: 'a' }).produce(source)
    say('a')
    await untilText(news, 'a')
    served.proxy.cut()
    say('b')
    expect(await nextNews(news)).toEqual(['delta', 'b'])
    served.proxy.refusing = true
    served.proxy.cut()
    say('c')
    end()
    await producing
    served.proxy.refusing = false
    expect(await nextNews(news)).toEqual(['delta', 'c'])
    expect(await news.takeMany(3)).toEqual([['caught-up'], ['end', 'completed'], ['complete']])
  })

  it('completes when the run is stopped, with the reason', async () => {
    await using served = await serve()
    const { say, source } = scripted()
    const { news } = followBy(createLink(served.url), 'onAnswer')
    const producing = served.app.channels.answer({ id: 'a' }).produce(source)
    say('a')
    await untilText(news, 'a')
    await served.app.channels.answer({ id: 'a' }).stop({ reason: 'enough' })
    await producing
    expect(await nextNews(news)).toEqual(['end', 'stopped: enough'])
    expect(await news.take()).toEqual(['complete'])
    expect(served.requests()).toBe(1)
  })

  it('gets the error of a run that fails, and does not retry', async () => {
    await using served = await serve()
    const { say, fail, source } = scripted()
    const { news } = followBy(createLink(served.url), 'onAnswer')
    const producing = served.app.channels.answer({ id: 'a' }).produce(source)
    say('a')
    await untilText(news, 'a')
    fail(new TRPCError({ code: 'BAD_REQUEST', message: 'The file is empty.' }))
    await producing
    expect(await nextNews(news)).toEqual(['end', 'failed: The file is empty.'])
    expect(await news.take()).toEqual(['error', 'UNPROCESSABLE_CONTENT'])
    expect(served.requests()).toBe(1)
  })

  it('gets the status none and an error if nobody starts the run, and does not retry', async () => {
    await using served = await serve()
    const { news } = followBy(createLink(served.url), 'onSoon')
    expect(await nextNews(news)).toEqual(['fold', ''])
    expect(await nextNews(news)).toEqual(['end', 'none'])
    expect(await news.take()).toEqual(['error', 'NOT_FOUND'])
    expect(served.requests()).toBe(1)
  })

  it('gets the error of a run that was forgotten meanwhile, and does not retry', async () => {
    await using served = await serve()
    const { news } = followBy(createLink(served.url), 'onAnswer', '1-1')
    expect(await news.take()).toEqual(['error', 'PRECONDITION_FAILED'])
    expect(served.requests()).toBe(1)
  })
})

describe('a native EventSource', () => {
  it('follows a run to its end, which is a separate event', async () => {
    await using served = await serve()
    const { say, end, source } = scripted()
    const input = encodeURIComponent(JSON.stringify({ id: 'a' }))
    const events = new EventSource(`${served.url}/onAnswer?input=${input}`)
    const news = createInbox<News>()
    events.onmessage = ({ data }) => {
      news.put(newsOf(JSON.parse(data)))
    }
    events.addEventListener('return', () => {
      news.put(['complete'])
      events.close()
    })
    const producing = served.app.channels.answer({ id: 'a' }).produce(source)
    for (const text of ['a', 'b']) say(text)
    await untilText(news, 'ab')
    end()
    expect(await nextNews(news)).toEqual(['end', 'completed'])
    expect(await news.take()).toEqual(['complete'])
    await producing
    expect(served.requests()).toBe(1)
  })
})

describe('a late joiner', () => {
  it('of 20,000 deltas gets one fold, the mark, and then the live tail', async () => {
    await using served = await serve()
    const { say, end, source } = scripted()
    const all = range(1, 20_000).map((n) => `${n} `)
    const producing = served.app.channels.answer({ id: 'a' }).produce(async function* () {
      yield* all
      yield* source()
    })
    const early = followBy(links['our link, multiplexed,'](served.url), 'onAnswer')
    await untilText(early.news, all.join(''))
    for (const [, createLink] of Object.entries(links)) {
      let tailBefore = 0
      const { news, leave } = followBy(createLink(served.url), 'onAnswer')
      expect((await news.take())[0]).toBe('fold')
      // The fold may be cached from a moment ago: then the deltas published since follow it.
      while ((await news.take())[0] !== 'caught-up') tailBefore += 1
      expect(tailBefore).toBeLessThanOrEqual(1)
      say('tail ')
      let last = await news.take()
      expect(last).toEqual(['delta', 'tail '])
      leave()
      last = await nextNews(early.news)
      expect(last).toEqual(['delta', 'tail '])
      all.push('tail ')
    }
    end()
    await producing
  })
})
