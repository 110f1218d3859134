import { QueryClient, skipToken } from '@tanstack/react-query'
import { createTRPCClient, httpSubscriptionLink, type TRPCLink } from '@trpc/client'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { sseLink } from '@trpc-sse/client'
import { useRun } from '@trpc-sse/react'
import { EventSource } from 'eventsource'
import { createElement, StrictMode } from 'react'
import { describe, expect, it } from 'vitest'
import { type App, type AppRouter, createApp } from '../../runs/app.ts'
import { createHeadlessRoot } from '../../support/headless-react.ts'
import { range } from '../../support/numbers.ts'
import { serveRouter } from '../../support/router-server.ts'
import { scriptedSource, settled } from '../../support/runs.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'

const retry = { baseMs: 10, maxMs: 50 }
const links: Readonly<Record<string, (url: string) => TRPCLink<AppRouter>>> = {
  'our link': (url) => sseLink({ url, retry }),
  "tRPC's own link": (url) => httpSubscriptionLink({ url, EventSource: EventSource as never }),
}

interface AnswerProps {
  readonly name: string
  readonly procedure: 'onAnswer' | 'onSoon'
  /** The id of the run; none to skip the subscription. */
  readonly id: string | undefined
}

/** Opens a page whose components follow runs of a server through a proxy. */
async function open(createLink: (url: string) => TRPCLink<AppRouter>) {
  const stack = new AsyncDisposableStack()
  const app: App = createApp()
  stack.defer(() => app.channels.close())
  const { url, link: served } = stack.use(await serveRouter(app.router, { channels: app.channels }))
  const proxy = stack.use(await startTcpProxy(Number(new URL(url).port)))
  const link = createLink(`http://127.0.0.1:${proxy.port}`)
  const client = createTRPCClient<AppRouter>({ links: [link] })
  const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient: new QueryClient() })
  const shown = new Map<string, { value: string | undefined; status: string; code: unknown }>()

  function Answer({ name, procedure, id }: AnswerProps) {
    const input = id === undefined ? skipToken : { id }
    const subscription = trpc[procedure].subscriptionOptions(input)
    const { value, status, error } = useRun(subscription, { apply })
    shown.set(name, { value, status, code: error?.data?.code })
    return null
  }

  const { root } = stack.use(createHeadlessRoot())
  stack.defer(async () => {
    root.unmount()
    // React unmounts in the next tasks.
    for (const _ of ['render', 'effects']) await settled()
  })
  const render = (names: readonly string[], props: Omit<AnswerProps, 'name'>): void =>
    root.render(
      createElement(
        StrictMode,
        null,
        names.map((name) => createElement(Answer, { key: name, name, ...props })),
      ),
    )
  return {
    answer: app.channels.answer({ id: 'a' }),
    proxy,
    stats: () => served.stats(),
    shown: (name: string) => expect.poll(() => shown.get(name)),
    show: (...names: string[]) => render(names, { procedure: 'onAnswer', id: 'a' }),
    showSoon: (...names: string[]) => render(names, { procedure: 'onSoon', id: 'a' }),
    showSkipped: (...names: string[]) => render(names, { procedure: 'onAnswer', id: undefined }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const apply = (text: string, delta: string): string => text + delta

describe.each(Object.entries(links))('useRun with %s', (_, createLink) => {
  it('shows the whole value in a component that joins later', async () => {
    await using page = await open(createLink)
    const { say, source } = scriptedSource()
    page.show('first')
    const producing = page.answer.produce(source)
    say('a')
    await page.shown('first').toMatchObject({ value: 'a', status: 'running' })
    page.show('first', 'second')
    await page.shown('second').toMatchObject({ value: 'a', status: 'running' })
    say('b')
    for (const name of ['first', 'second']) await page.shown(name).toMatchObject({ value: 'ab' })
    page.show('second', 'third')
    say('c', undefined)
    for (const name of ['second', 'third'])
      await page.shown(name).toEqual({ value: 'abc', status: 'completed', code: undefined })
    await producing
  })

  it('goes on after an outage in the middle, and after one at the end', async () => {
    await using page = await open(createLink)
    const { say, source } = scriptedSource()
    const producing = page.answer.produce(source)
    page.show('only')
    say('a')
    await page.shown('only').toMatchObject({ value: 'a', status: 'running' })
    page.proxy.refusing = true
    page.proxy.cut()
    await page.shown('only').toMatchObject({ value: 'a', status: 'connecting' })
    say('b')
    page.proxy.refusing = false
    await page.shown('only').toMatchObject({ value: 'ab', status: 'running' })
    page.proxy.refusing = true
    page.proxy.cut()
    say('c', undefined)
    await producing
    page.proxy.refusing = false
    await page.shown('only').toMatchObject({ value: 'abc', status: 'completed' })
  })

  it('follows nothing while its input is the skip token', async () => {
    await using page = await open(createLink)
    page.showSkipped('only')
    await page.shown('only').toMatchObject({ value: undefined, status: 'idle' })
    page.show('only')
    await page.shown('only').toMatchObject({ value: '', status: 'running' })
    page.showSkipped('only')
    await page.shown('only').toMatchObject({ value: undefined, status: 'idle' })
    await expect.poll(() => page.stats().subscriptions).toBe(0)
  })

  it('leaves nothing on the server when it is mounted and unmounted in a loop', async () => {
    await using page = await open(createLink)
    const { say, source } = scriptedSource()
    const producing = page.answer.produce(source)
    say('a')
    for (const n of range(1, 30)) {
      page.show(`${n}`)
      if (n % 3 === 0) await settled()
      page.show()
      if (n % 5 === 0) await settled()
    }
    await expect.poll(() => page.stats().subscriptions).toBe(0)
    page.show('last')
    await page.shown('last').toMatchObject({ value: 'a', status: 'running' })
    expect(page.stats().subscriptions).toBe(1)
    say(undefined)
    await producing
    await expect.poll(() => page.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })

  it('says that nobody has started the run, in every component', async () => {
    await using page = await open(createLink)
    page.showSoon('first', 'second')
    for (const name of ['first', 'second'])
      await page.shown(name).toEqual({ value: '', status: 'none', code: 'NOT_FOUND' })
  })

  it('says that the run has failed, and keeps its value', async () => {
    await using page = await open(createLink)
    const { say, source } = scriptedSource()
    void page.answer.produce(async function* (options) {
      yield* source(options)
      throw new Error('lost')
    })
    page.show('only')
    say('a')
    await page.shown('only').toMatchObject({ value: 'a' })
    say(undefined)
    await page
      .shown('only')
      .toEqual({ value: 'a', status: 'failed', code: 'UNPROCESSABLE_CONTENT' })
  })
})
