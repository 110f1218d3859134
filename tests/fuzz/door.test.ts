import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { createDecoder } from '@trpc-sse/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRaw, type RawStream } from '../support/http.ts'
import { rooms, sendBytes, serveRooms } from './door-app.ts'
import { fuzz, timeoutMs } from './fuzz.ts'
import { cutAt, cutOrChanged, oddJson, oddText, wellFormed } from './inputs.ts'

let app: Awaited<ReturnType<typeof serveRooms>>
beforeAll(async () => {
  app = await serveRooms()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Checks that no connection is left, and that no request caused a fault of the server. */
async function settle(): Promise<void> {
  await app.settle()
  expect(app.faults).toEqual([])
}

function expectNoFault(status: number | string | undefined): void {
  expect(String(status)).not.toMatch(/^5/)
  expect(app.faults).toEqual([])
}

interface Sent {
  readonly path: string
  readonly method: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/**
 * Sends a valid HTTP request, and reads a streamed response until `isEnough`. Resolves with
 * `undefined` if the request can't be sent.
 */
function send(
  { path, method, headers = {}, body }: Sent,
  isEnough: (seen: readonly Seen[]) => boolean,
) {
  return new Promise<{ status: number; seen: readonly Seen[] } | undefined>((resolve) => {
    const seen: Seen[] = []
    try {
      const request = httpRequest({
        port: app.port,
        host: '127.0.0.1',
        agent: false,
        path,
        method,
        headers,
      })
      request.on('error', () => resolve(undefined))
      request.on('response', (response) => {
        const done = (): void => {
          request.destroy()
          resolve({ status: response.statusCode ?? 0, seen })
        }
        const decoder = createDecoder({
          onMessage: ({ event, data }) => seen.push({ event, data }),
        })
        response.on('error', done)
        response.on('close', done)
        response.on('data', (chunk: Buffer) => {
          if (String(response.headers['content-type']).startsWith('text/event-stream'))
            decoder.push(chunk)
          if (isEnough(seen)) done()
        })
      })
      request.end(body)
    } catch {
      // Node's client refuses the request before it sends it.
      resolve(undefined)
    }
  })
}

interface Seen {
  readonly event: string
  readonly data: string
}

const path = fc.oneof(
  fc.constantFrom(
    'room',
    'live',
    'count',
    'query',
    'nested.mutate',
    '~sse',
    '%7Esse',
    'room,query',
    '',
  ),
  oddText,
  fc.constantFrom('room', '~sse', 'nested.mutate').chain(cutOrChanged),
)
const user = fc.constantFrom('bob', 'carol')
const json = { 'content-type': 'application/json' }

it('every path and query gets a response, and never a 500', { timeout: timeoutMs }, async () => {
  const parameter = fc.tuple(
    fc.constantFrom(
      'input',
      'lastEventId',
      'Last-Event-Id',
      'connectionParams',
      'batch',
      '__proto__',
    ),
    fc
      .oneof(oddJson, fc.constantFrom('{"room":"a"}', '1-0', 'snapshot', '{}', '1'))
      .map((text) => text.slice(0, 4_000)),
  )
  await fuzz('paths and queries', {
    inputs: fc.tuple(
      path,
      fc.array(parameter, { maxLength: 4 }),
      fc.boolean(),
      fc.constantFrom('GET', 'POST', 'HEAD', 'OPTIONS', 'PUT'),
    ),
    count: 400,
    async check([to, parameters, isRaw, method]) {
      const query = isRaw
        ? parameters
            .map(([name, text]) => `${name}=${text}`)
            .join('&')
            .replace(/[^\x21-\x7e]/g, '')
        : String(new URLSearchParams(parameters.map(([name, text]) => [name, wellFormed(text)])))
      const answer = await send(
        { path: `/trpc/${to}?${query}`.replace(/[^\x21-\x7e]/g, ''), method },
        (seen) => seen.length > 0,
      )
      expectNoFault(answer?.status)
    },
    settle,
  })
})

it('a stream has the events of each subscription under its key, and nothing else', {
  timeout: timeoutMs,
}, async () => {
  const wanted = fc.oneof(
    fc.record({
      path: fc.constantFrom('room', 'live'),
      input: fc.record({ room: fc.constantFrom(...rooms) }),
      lastEventId: fc.constantFrom(undefined, '0-1', 'snapshot'),
    }),
    fc.record({
      path: fc.oneof(fc.constantFrom('count', 'query', 'none', '__proto__'), oddText),
      input: fc.jsonValue(),
      lastEventId: fc.option(oddText, { nil: undefined }),
    }),
  )
  await fuzz('sets', {
    inputs: fc.tuple(
      fc.dictionary(fc.stringMatching(/^[\w-]{1,12}$/), wanted, { maxKeys: 8 }),
      user,
      fc.nat(),
    ),
    count: 300,
    async check([subscriptions, name, revision]) {
      const keys = Object.keys(subscriptions)
      const body = JSON.stringify({ version: 1, revision, subscriptions })
      const isSettled = (seen: readonly Seen[], key: string): boolean =>
        seen.some(
          ({ event, data }) =>
            event === key || (/^\$(error|stopped)$/.test(event) && JSON.parse(data).key === key),
        )
      const answer = await send(
        { path: '/trpc/~sse', method: 'POST', headers: { ...json, 'x-user': name }, body },
        (seen) => seen.length > 0 && keys.every((key) => isSettled(seen, key)),
      )
      expectNoFault(answer?.status)
      for (const { event, data } of answer?.seen ?? []) {
        if (event.startsWith('$')) continue
        expect(keys).toContain(event)
        const { path: to, input } = subscriptions[event] ?? {}
        const room = to === 'count' ? 'count' : (input as { room: string }).room
        const value = JSON.parse(data)
        expect((to === 'live' ? value.data : value).room).toBe(room)
      }
    },
    settle,
  })
})

it('every body gets a response, and never a 500', { timeout: timeoutMs }, async () => {
  const set = fc.record(
    {
      version: fc.constant(1),
      revision: fc.nat(),
      connectionId: oddText,
      subscriptions: fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue()),
    },
    { requiredKeys: ['version', 'revision'] },
  )
  const text = set.map((value) => JSON.stringify(value))
  const type = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'text/plain',
    'multipart/form-data',
    '',
  )
  await fuzz('bodies at the door', {
    inputs: fc.tuple(
      fc.oneof(text, text.chain(cutOrChanged), oddJson),
      type,
      fc.oneof({ weight: 3, arbitrary: fc.constant('~sse') }, path),
      fc.constantFrom('gzip', 'identity', undefined),
    ),
    count: 400,
    async check([body, contentType, to, encoding]) {
      const headers = {
        ...(contentType && { 'content-type': contentType }),
        ...(encoding && { 'content-encoding': encoding }),
      }
      const target = to.replace(/[^\x21-\x7e]/g, '')
      const answer = await send(
        { path: `/trpc/${target}`, method: 'POST', headers, body: wellFormed(body) },
        (seen) => seen.length > 0,
      )
      expectNoFault(answer?.status)
    },
    settle,
  })
})

it('no control request changes the stream of another user', { timeout: timeoutMs }, async () => {
  const headers = { ...json, 'x-user': 'ann' }
  const body = JSON.stringify({
    version: 1,
    revision: 1,
    subscriptions: { mine: { path: 'room', input: { room: 'a' } } },
  })
  using stream = await openRaw(`${app.url}/trpc/~sse`, { method: 'POST', headers, body })
  const { connectionId } = JSON.parse((await stream.next()).data)
  await streamHas(stream, 'mine')
  await fuzz('control requests', {
    inputs: fc.tuple(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant(connectionId as string) },
        fc.constant(connectionId as string).chain(cutOrChanged),
        oddText,
      ),
      fc.nat(),
      fc.dictionary(
        fc.constantFrom('mine', 'other'),
        fc.record({
          path: fc.constantFrom('room', 'count', 'none'),
          input: fc.constant({ room: 'b' }),
        }),
      ),
      user,
    ),
    count: 60,
    async check([id, revision, subscriptions, name]) {
      const control = JSON.stringify({ version: 1, revision, connectionId: id, subscriptions })
      const answer = await send(
        { path: '/trpc/~sse', method: 'POST', headers: { ...json, 'x-user': name }, body: control },
        () => true,
      )
      expect([400, 404, 429]).toContain(answer?.status)
      expect(
        stream.messages.map(({ event }) => event).filter((event) => event !== '$ping'),
      ).toEqual(['$connected', '$started', 'mine'])
    },
    settle: () => app.settle(1),
  })
  stream.leave()
  await settle()
})

it('any bytes on a socket get a response or are refused', { timeout: timeoutMs }, async () => {
  const header = fc.tuple(
    fc.constantFrom(
      'Host',
      'Accept',
      'Content-Length',
      'Transfer-Encoding',
      'Content-Type',
      'Connection',
      'Upgrade',
      'Expect',
      'Last-Event-ID',
      'trpc-accept',
      'X-Forwarded-For',
      'Cookie',
    ),
    fc.oneof(
      fc.constantFrom(
        'a',
        'chunked',
        '5',
        '-1',
        '0',
        'close',
        'keep-alive',
        'h2c',
        '100-continue',
        'application/json',
        'application/jsonl',
        '1-0',
        'snapshot',
      ),
      oddText,
    ),
  )
  const text = fc
    .record({
      method: fc.oneof(fc.constantFrom('GET', 'POST', 'HEAD', 'DELETE', 'PRI', 'CONNECT'), oddText),
      to: path.map((name) => `/trpc/${name}`),
      version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
      headers: fc.array(header, { maxLength: 6 }),
      body: fc.oneof(fc.constantFrom('', '5\r\nhello\r\n0\r\n\r\n'), oddJson),
    })
    .map(({ method, to, version, headers, body }) =>
      [
        `${method} ${to} ${version}`,
        'Host: a',
        ...headers.map(([name, value]) => `${name}: ${value}`),
        '',
        body,
      ].join('\r\n'),
    )
  const bytes = fc.oneof(
    text.map((one) => new TextEncoder().encode(one)),
    text.chain(cutOrChanged).map((one) => new TextEncoder().encode(one)),
    fc.uint8Array({ maxLength: 200 }),
  )
  await fuzz('raw requests', {
    inputs: fc.tuple(bytes, fc.array(fc.nat(400), { maxLength: 3 })),
    count: 400,
    async check([whole, at]) {
      const answer = await sendBytes(app.port, cutAt(whole, at))
      // Node's own parser may respond with 501 or 505.
      expect(answer).not.toMatch(/^HTTP\/1\.1 500/)
      expect(app.faults).toEqual([])
    },
    settle,
  })
})

it('pipelined requests end when their client disconnects', {
  timeout: timeoutMs,
}, async () => {
  const get = fc.constantFrom('room', 'live', 'count', 'query').map((name) => {
    const input = encodeURIComponent(JSON.stringify({ room: 'a' }))
    return `GET /trpc/${name}?input=${input} HTTP/1.1\r\nHost: a\r\n\r\n`
  })
  const post = fc.array(fc.constantFrom('room', 'count', 'none'), { maxLength: 4 }).map((names) => {
    const subscriptions = Object.fromEntries(
      names.map((name, i) => [i, { path: name, input: { room: 'a' } }]),
    )
    const body = JSON.stringify({ version: 1, revision: 1, subscriptions })
    const head = `Host: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    return `POST /trpc/~sse HTTP/1.1\r\n${head}\r\n\r\n${body}`
  })
  const requests = fc
    .array(fc.oneof(get, post), { minLength: 2, maxLength: 12 })
    .map((all) => all.join(''))
  await fuzz('requests sent ahead', {
    inputs: fc.tuple(
      fc.oneof(requests, requests.chain(cutOrChanged)),
      fc.array(fc.nat(2_000), { maxLength: 3 }),
    ),
    count: 60,
    async check([text, at]) {
      await sendBytes(app.port, cutAt(new TextEncoder().encode(text), at))
      expect(app.faults).toEqual([])
    },
    settle,
  })
})

async function streamHas(stream: RawStream, event: string): Promise<void> {
  while ((await stream.next()).event !== event);
}
