import { once } from 'node:events'
import { join } from 'node:path'
import { httpBatchLink } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Command, runCommand } from '../support/command.ts'
import { untypedClient } from '../support/follow.ts'
import { openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { root } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const folder = join(root, 'tests/next-pages')
const next = (...args: string[]): Command =>
  runCommand(folder, [join(root, 'tests/node_modules/.bin/next'), ...args], {
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_ENV: 'production',
  })

let app: Command
let url: string
beforeAll(async () => {
  await using build = next('build')
  const [code] = await once(build.child, 'exit')
  if (code !== 0) throw new Error(`next build ended with ${code}:\n${build.lines.items.join('\n')}`)
  const port = await freePort()
  app = next('start', '--port', `${port}`, '--hostname', '127.0.0.1')
  await app.says(/Ready in/)
  url = `http://127.0.0.1:${port}/api/trpc`
}, 240_000)
afterAll(() => app?.[Symbol.asyncDispose]())

describe('the Pages API of Next.js, built and started', () => {
  it('answers queries and mutations, also batched, with the context of createContext', async () => {
    const client = untypedClient(httpBatchLink({ url, headers: { cookie: 'user=ann' } }))
    const all = [client.query('whoami'), client.query('whoami'), client.mutation('say', 'hi')]
    expect(await Promise.all(all)).toMatchObject(['ann', 'ann', { duplicate: false }])
  })

  it.each([
    ['single mode', 'onWord', { headers: { 'accept-encoding': 'gzip' } }],
    [
      'multiplexed mode',
      '~sse',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' },
        body: JSON.stringify({
          version: 1,
          revision: 1,
          subscriptions: { message: { path: 'onWord' } },
        }),
      },
    ],
  ])('streams in %s, with its headers and uncompressed', async (_mode, path, request) => {
    using stream = await openRaw(`${url}/${path}`, request)
    expect(stream.status).toBe(200)
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(stream.headers['content-encoding']).toBeUndefined()
    await stream.nextMany(2)
    const client = untypedClient(httpBatchLink({ url }))
    for (const word of ['one', 'two']) await client.mutation('say', word)
    expect((await stream.nextMany(2)).map(({ data }) => data)).toEqual(['"one"', '"two"'])
  })

  it('serves our client link', async () => {
    const client = untypedClient(sseLink({ url }), httpBatchLink({ url }))
    const words = createInbox<unknown>()
    const connected = createInbox<true>()
    const subscription = client.subscription('onWord', undefined, {
      onStarted: () => connected.put(true),
      onData: (event) => words.put((event as { data: unknown }).data),
    })
    await connected.take()
    await client.mutation('say', 'by the link')
    expect(await words.take()).toBe('by the link')
    subscription.unsubscribe()
  })
})
