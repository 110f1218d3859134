import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import { createTRPCClient } from '@trpc/client'
import { initTRPC } from '@trpc/server'
import { isRealtimeError, sseLink } from '@trpc-sse/client'
import { channel, createChannels } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { listen } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { startNginx } from '../support/nginx.ts'
import { range } from '../support/numbers.ts'
import { freePort } from '../support/redis.ts'

interface Proxy extends AsyncDisposable {
  readonly url: string
}

/** A proxy that passes on no byte of a response before it has received all of it. */
async function startWholeProxy(appUrl: string): Promise<Proxy> {
  return listen((request, response) => {
    const { method = 'GET', headers } = request
    const onward = http.request(
      `${appUrl}${request.url}`,
      { method, headers, agent: false },
      (answer) => {
        buffer(answer).then(
          (body) => response.writeHead(answer.statusCode ?? 502, answer.headers).end(body),
          () => response.destroy(),
        )
      },
    )
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    request.pipe(onward)
  })
}

/** Starts an nginx that ignores the header with which streams ask it not to buffer. */
async function startBufferingNginx(appUrl: string): Promise<Proxy> {
  const port = await freePort()
  const nginx = await startNginx(`server {
    listen 127.0.0.1:${port};
    location / { proxy_ignore_headers X-Accel-Buffering; proxy_buffering on; proxy_pass ${appUrl}; }
  }`)
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  }
}

/** An app behind a proxy, and a client that records everything. */
async function setup(startProxy: (appUrl: string) => Promise<Proxy>) {
  const channels = createChannels({ channels: { numbers: channel({ event: z.number() }) } })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const stack = new AsyncDisposableStack()
  const app = stack.use(await listen(createHTTPServer({ router, channels })))
  const proxy = stack.use(await startProxy(app.url))
  stack.defer(() => channels.close())
  let url = proxy.url
  const durations: unknown[] = []
  const link = sseLink<typeof router>({
    url: () => url,
    connectTimeoutMs: 600,
    retry: { baseMs: 1 },
    fetch(to, init) {
      if (init.method === 'POST') durations.push(JSON.parse(String(init.body)).maxDurationMs)
      return fetch(to, init)
    },
  })
  const client = createTRPCClient<typeof router>({ links: [link] })
  const numbers = createInbox<number>()
  const codes = createInbox<string>()
  const started = createInbox<true>()
  const subscription = client.onNumber.subscribe(undefined, {
    onStarted: () => started.put(true),
    onData: ({ data }) => numbers.put(data),
    onConnectionStateChange({ error }) {
      if (isRealtimeError(error?.cause)) codes.put(error.cause.code)
    },
  })
  stack.defer(() => subscription.unsubscribe())
  return {
    numbers,
    codes,
    started,
    durations,
    publish: (n: number) => channels.numbers().publish(n),
    /** From now on, requests bypass the proxy. */
    goAround() {
      url = app.url
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

afterEach(() => vi.restoreAllMocks())

describe.each([
  ['a proxy that passes on only whole responses', startWholeProxy],
  ['nginx that buffers regardless of the header', startBufferingNginx],
] as const)('%s', (_name, startProxy) => {
  it('P39, P46: is named in a warning, and lets every event through, late, once and in order', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    await using s = await setup(startProxy)
    const codes = [await s.codes.take()]
    // On a busy machine, more than one attempt times out before the proxy answers one.
    while (codes.at(-1) === 'CONNECT_TIMEOUT') codes.push(await s.codes.take())
    expect(codes.slice(-2)).toEqual(['CONNECT_TIMEOUT', 'RESPONSE_BUFFERED'])
    expect(warn.mock.calls.flat().join()).toContain('docs/proxies.md#a-proxy-that-buffers')
    await s.started.take()
    for (const n of range(1, 30)) {
      await s.publish(n)
      if (n % 5 === 0) expect((await s.numbers.takeMany(5)).at(-1)).toBe(n)
    }
    expect(s.numbers.items).toEqual(range(1, 30))
    expect(warn).toHaveBeenCalledOnce()
    expect(new Set(s.durations)).toEqual(new Set([undefined, 200]))

    s.goAround()
    // The first stream without the proxy is still short. The next one is as long as the server
    // wants.
    await expect.poll(() => s.durations.at(-1)).toBe(undefined)
    await s.publish(31)
    expect(await s.numbers.take()).toBe(31)
  })
})
