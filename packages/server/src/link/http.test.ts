import { once } from 'node:events'
import net from 'node:net'
import { initTRPC } from '@trpc/server'
import { beforeAll, describe, expect, it } from 'vitest'
import { type RouterServer, serveRouter } from '../../../../tests/support/router-server.ts'

const t = initTRPC.create()
/** Three of these exceed what may wait for a client. */
const large = 'x'.repeat(100_000)
const router = t.router({
  hello: t.procedure.query(() => 'hello'),
  steps: t.procedure.subscription(async function* () {
    yield 'one'
    yield large
    yield large
    yield large
    yield 'last'
  }),
  lasting: t.procedure.subscription(async function* ({ signal }) {
    yield 'first'
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }),
})

let server: RouterServer

beforeAll(async () => {
  server = await serveRouter(router)
  return () => server[Symbol.asyncDispose]()
})

/** Opens a connection and sends requests in one packet. */
function connect(...requests: string[]): net.Socket {
  const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(requests.join(''))
  return socket.setEncoding('utf8')
}

/** Sends requests in one packet. Returns all data until the server closes the connection. */
async function exchange(...requests: string[]): Promise<string> {
  const socket = connect(...requests)
  let text = ''
  socket.on('data', (part: string) => {
    text += part
  })
  await once(socket, 'close')
  return text
}

interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Parses consecutive HTTP/1.1 responses, each by the lengths of its chunks. */
function answersIn(text: string): Answer[] {
  const [head = '', ...others] = text.split('\r\n\r\n')
  if (head === '') return []
  const status = Number(head.split(' ')[1])
  let rest = others.join('\r\n\r\n')
  if (!/transfer-encoding: chunked/i.test(head))
    return [{ status, head, body: '' }, ...answersIn(rest)]
  let body = ''
  for (;;) {
    const [size = ''] = rest.split('\r\n', 1)
    const start = size.length + 2
    const end = start + Number.parseInt(size, 16)
    body += rest.slice(start, end)
    rest = rest.slice(end + 2)
    if (!(end > start)) return [{ status, head, body }, ...answersIn(rest)]
  }
}

/** Returns the data of the messages in an event stream. */
const dataIn = (body: string): string[] =>
  [...body.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => data)

const get = (path: string, ...headers: string[]): string =>
  [`GET /${path} HTTP/1.1`, 'host: x', ...headers, '', ''].join('\r\n')
const all = ['"one"', ...Array.from({ length: 3 }, () => JSON.stringify(large)), '"last"', '']
const streams = [200, [expect.stringContaining('{'), ...all]]
const answers = [200, ['{"result":{"data":"hello"}}']]

const shown = ({ status, body }: Answer): unknown => [
  status,
  body.startsWith('{') ? [body] : dataIn(body),
]

describe('a client of HTTP/1.0', () => {
  it.each([[[]], [['connection: keep-alive']]])(
    'gets a whole stream, with the headers %j',
    async (headers) => {
      const text = await exchange(['GET /steps HTTP/1.0', ...headers, '', ''].join('\r\n'))
      const [head = '', ...body] = text.split('\r\n\r\n')
      expect(head).toMatch(/^HTTP\/1\.1 200 /)
      expect(head).not.toMatch(/transfer-encoding/i)
      expect(dataIn(body.join('\r\n\r\n'))).toEqual([expect.stringContaining('{'), ...all])
    },
  )
})

describe('a persistent connection', () => {
  it('serves pipelined streams and calls one after the other', async () => {
    const text = await exchange(
      get('steps'),
      get('hello'),
      get('steps'),
      get('steps'),
      get('hello', 'connection: close'),
    )
    expect(answersIn(text).map(shown)).toEqual([streams, answers, streams, streams, answers])
  })

  it('ends both of two pipelined streams when it is lost during the first', async () => {
    const socket = connect(get('lasting'), get('lasting'))
    let text = ''
    for await (const part of socket) {
      text += part
      if (text.includes('"first"')) break
    }
    await expect.poll(() => server.link.stats().connections).toBe(0)
  })
})

it('a client that waits for 100 Continue gets it, and then its stream', async () => {
  const body = JSON.stringify({ version: 1, revision: 1, subscriptions: { a: { path: 'steps' } } })
  const headers = [
    'content-type: application/json',
    `content-length: ${body.length}`,
    'expect: 100-continue',
  ]
  const socket = connect(['POST /~sse HTTP/1.1', 'host: x', ...headers, '', ''].join('\r\n'))
  let text = ''
  for await (const part of socket) {
    if (text === '') {
      expect(part).toBe('HTTP/1.1 100 Continue\r\n\r\n')
      socket.write(body)
    }
    text += part
    if (text.includes('"last"')) break
  }
  expect(text).toContain('event: a\ndata: "one"\n\n')
})

it('HEAD opens no stream, and the connection stays usable', async () => {
  const head = (path: string): string => get(path).replace('GET', 'HEAD')
  const text = await exchange(head('steps'), head('~sse'), get('hello', 'connection: close'))
  expect(answersIn(text).map(shown)).toEqual([[204, []], [204, []], answers])
  expect(server.link.stats().connections).toBe(0)
})
