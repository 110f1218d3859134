import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { initTRPC } from '@trpc/server'
import { type CreateServerLinkOptions, createServerLink } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { selfSigned } from '../support/certificate.ts'
import { createInbox } from '../support/inbox.ts'

/** A link behind `node:http2`, and a connection to it. */
async function setup(options: Partial<CreateServerLinkOptions<never>> = {}) {
  const urls: string[] = []
  const t = initTRPC.create()
  const router = t.router({
    endless: t.procedure.subscription(async function* ({ signal }) {
      yield 'one'
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
    }),
    hello: t.procedure.query(() => 'hello'),
  })
  const link = createServerLink({
    router,
    onError: () => {},
    createContext({ info }) {
      urls.push(String(info.url))
      return {}
    },
    responseMeta: () => ({ headers: { 'x-app': 'yes', 'set-cookie': ['a=1', 'b=2'] } }),
    ...(options as object),
  })
  const served: Array<Promise<void>> = []
  const server = http2.createSecureServer(selfSigned(), (request, response) =>
    served.push(
      link.node(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    ),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const session = http2.connect(origin, { rejectUnauthorized: false })
  session.on('error', () => {})

  /** Sends a request; returns its answer. */
  async function request(headers: http2.OutgoingHttpHeaders, body?: string) {
    const stream = session.request(headers)
    stream.on('error', () => {})
    stream.setEncoding('utf8')
    const answer = {
      text: '',
      stream,
      headers: {} as http2.IncomingHttpHeaders,
      ended: once(stream, 'close'),
    }
    stream.on('data', (chunk: string) => {
      answer.text += chunk
    })
    stream.end(body)
    const [received] = await once(stream, 'response')
    answer.headers = received as http2.IncomingHttpHeaders
    return answer
  }
  return {
    link,
    origin,
    urls,
    served,
    session,
    request,
    async [Symbol.asyncDispose]() {
      session.destroy()
      server.close()
    },
  }
}

const open = (subscriptions: object, more: object = {}): string =>
  JSON.stringify({ version: 1, revision: 1, subscriptions, ...more })
const post = { ':method': 'POST', ':path': '/~sse', 'content-type': 'application/json' }

describe('a link behind node:http2', () => {
  it('serves streams, control requests and queries, with the headers of the app', async () => {
    await using s = await setup()
    const stream = await s.request(post, open({ a: { path: 'endless' } }))
    expect(stream.headers).toMatchObject({
      ':status': 200,
      'content-type': 'text/event-stream',
      'x-app': 'yes',
      'set-cookie': ['a=1', 'b=2'],
    })
    expect(stream.headers).not.toHaveProperty('connection')
    await expect.poll(() => stream.text).toContain('"one"')
    const connectionId = /"connectionId":"([^"]+)"/.exec(stream.text)?.[1]
    const control = await s.request(post, open({}, { connectionId, revision: 2 }))
    await control.ended
    expect(control).toMatchObject({ headers: { ':status': 200 }, text: '{"revision":2}' })
    const query = await s.request({ ':path': '/hello' })
    await query.ended
    expect(JSON.parse(query.text)).toEqual({ result: { data: 'hello' } })
    const wrong = await s.request(post, 'x'.repeat(2_000_000))
    await wrong.ended
    expect(wrong.headers[':status']).toBe(400)
    stream.stream.close()
    await expect.poll(() => s.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
  })

  it('passes createContext the requested address, whose host is in :authority', async () => {
    await using s = await setup()
    const stream = await s.request({ ':path': '/endless' })
    expect(s.urls).toEqual([`${s.origin}/endless`])
    stream.stream.close()
  })

  it('ends streams in good order when it drains', async () => {
    await using s = await setup()
    const stream = await s.request(post, open({ a: { path: 'endless' } }))
    await expect.poll(() => stream.text).toContain('"one"')
    const drained = s.link.drain()
    await expect.poll(() => stream.text).toContain('$reconnect')
    stream.stream.close()
    await drained
    expect(s.link.stats().connections).toBe(0)
    const refused = await s.request(post, open({}))
    await refused.ended
    expect(refused.headers).toMatchObject({ ':status': 503, 'retry-after': '1' })
  })

  it('keeps nothing for a client that left before it was served', async () => {
    let go = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      go = resolve
    })
    const arrived = createInbox<string>()
    const gone = createInbox<string>()
    await using s = await setup({
      middleware({ url = '' }: IncomingMessage, response: ServerResponse, next: () => void) {
        response.once('close', () => gone.put(url))
        arrived.put(url)
        void waiting.then(() => next())
      },
    } as object)
    for (const headers of [{ ':path': '/endless' }, post]) {
      const stream = s.session.request(headers)
      stream.on('error', () => {})
      stream.end(open({ a: { path: 'endless' } }))
      await arrived.take()
      stream.close(http2.constants.NGHTTP2_CANCEL)
      await gone.take()
    }
    go()
    expect(s.served).toHaveLength(2)
    await Promise.all(s.served)
    expect(s.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
    expect(s.urls).toEqual([])
  })

  it('keeps nothing for a client that left in the middle of its request', async () => {
    await using s = await setup()
    const stream = s.session.request(post)
    stream.on('error', () => {})
    stream.write('{"version":')
    await expect.poll(() => s.link.stats().connections).toBe(1)
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await expect.poll(() => s.link.stats().connections).toBe(0)
    await Promise.all(s.served)
  })
})
