import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { cli, startCli } from '../support/cli.ts'
import { listen } from '../support/http.ts'
import { manualClock } from '../support/manual-clock.ts'
import { startRedis } from '../support/redis.ts'

/** A TCP server that does the same with every connection. */
async function serveTcp(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('a Redis that is none', () => {
  it.each([
    ['ends every connection', (socket: Socket) => void socket.end()],
    ['answers without the protocol', (socket: Socket) => void socket.end('\u001b[2J\r\n\r\n')],
    [
      'answers with what nobody asked for',
      (socket: Socket) => void socket.end(':1\r\n'.repeat(99)),
    ],
    [
      'answers an error that a terminal would obey',
      (socket: Socket) => void socket.on('data', () => socket.write('-ERR \u001b]0;x\u0007\r\n')),
    ],
  ])('%s: one line, in plain text', async (_name, onConnection) => {
    await using server = await serveTcp(onConnection)
    const { code, lines, notes } = await cli(['channels', '--redis', `redis://${server.host}`])
    expect([1, 3]).toContain(code)
    expect(lines).toEqual([])
    expect(notes).toHaveLength(1)
    expect(notes.join()).toMatch(/^[\u0020-\u007e’…]+$/)
  })

  it('freezes while a command runs: tail says so, and goes on afterwards', async () => {
    await using redis = await startRedis()
    const channels = createChannels({
      backend: redisBackend({ url: redis.url }, { commandTimeoutMs: 60_000, onStatus: () => {} }),
      channels: { news: channel({ event: z.string() }) },
    })
    await channels.news().publish('one')
    const tail = startCli(['tail', 'news', '--json'], { env: { REDIS_URL: redis.url } })
    expect(JSON.parse(await tail.lines.take()).data).toBe('one')
    redis.freeze()
    const published = channels.news().publish('two')
    expect(await tail.notes.take()).toContain('trying again')
    redis.thaw()
    await published
    expect(JSON.parse(await tail.lines.take()).data).toBe('two')
    tail.interrupt()
    expect(await tail.exited).toBe(0)
    await channels.close()
  })
})

it('keys of other programs are listed safely, however long they are', async () => {
  await using redis = await startRedis()
  const name = encodeURIComponent(`\u001b[2J\u202e${'k'.repeat(100_000)}`)
  await redis.admin.set(`trpc-sse:{${name}}:last`, '5-0 1')
  await redis.admin.set('trpc-sse:{%5B%22a%22%5D}:last', '\u001b[2J')
  await redis.admin.set('trpc-sse:{%5B%22b%22%5D}:last', '99999999999999999999-0 1')
  const { code, lines } = await cli(['channels'], { env: { REDIS_URL: redis.url } })
  expect(code).toBe(0)
  expect(lines).toHaveLength(4)
  expect(lines.join()).toMatch(/^[\u0020-\u007e…]+$/)
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(400)
  await redis.admin.lpush('trpc-sse:{%5B%22c%22%5D}:log', 'not a stream')
  await redis.admin.set('trpc-sse:{%5B%22c%22%5D}:last', '5-0 1')
  const wrong = await cli(['history', 'c'], { env: { REDIS_URL: redis.url } })
  expect(wrong.code).toBe(1)
  expect(wrong.notes.join()).toContain('WRONGTYPE')
})

describe('doctor in front of a server', () => {
  const streamHead = { 'content-type': 'text/event-stream' }

  it('that never answers, ends by itself', async () => {
    const clock = manualClock()
    await using server = await serveTcp(() => {})
    const running = startCli(['doctor', `http://${server.host}`], { clock })
    await once(server.server, 'connection')
    clock.advance(20_000)
    expect(await running.exited).toBe(3)
    expect(running.notes.items.join()).toContain("doesn't answer")
  })

  const senders: [string, Record<string, string>, (response: ServerResponse) => void][] = [
    [
      'sends no end of bytes',
      {},
      (response: ServerResponse) => sendForever(response, 'x'.repeat(65_536)),
    ],
    [
      'sends no end of messages',
      {},
      (response: ServerResponse) => sendForever(response, 'data: x\n\n'.repeat(999)),
    ],
    [
      'sends a compressed flood',
      { 'content-encoding': 'gzip' },
      (response: ServerResponse) => sendForever(response, gzipSync('x'.repeat(9_000_000))),
    ],
    [
      'lies about its encoding',
      { 'content-encoding': 'gzip' },
      (response: ServerResponse) => void response.end('data: x\n\n'),
    ],
    [
      'has headers that a terminal would obey',
      { 'cache-control': '\u009b2J' },
      (response: ServerResponse) => void response.end(),
    ],
  ]
  it.each(senders)('that %s, ends with findings', async (_name, headers, send) => {
    const clock = manualClock()
    await using server = await listen((_request, response) => {
      response.writeHead(200, { ...streamHead, ...headers })
      send(response)
    })
    const running = startCli(['doctor', server.url], { clock })
    // It reads for a limited time only.
    const reading = clock.due(9_000).then(() => clock.advance(9_000))
    expect(await Promise.race([running.exited, reading.then(() => running.exited)])).toBe(1)
    expect(running.lines.items.join()).toMatch(/^[\u0020-\u007e’]+$/)
  })
})

function sendForever(response: ServerResponse, chunk: string | Buffer): void {
  pipeline(Readable.from(repeat(chunk)), response, () => {})
}

function* repeat<TItem>(item: TItem): Generator<TItem> {
  for (;;) yield item
}

describe('JSON that is nested too deep', () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000)

  it('is refused in arguments', async () => {
    const wrong = [
      ['publish', 'a', '--data', deep],
      ['publish', 'a', deep, '--data', '1'],
      ['load', 'http://localhost', '--path', 'a', '--input', deep],
    ]
    for (const args of wrong) {
      const { code, notes } = await cli(args)
      expect([code, notes.join()]).toEqual([2, expect.stringContaining('JSON')])
    }
  })

  it('in a key or a value hides nothing else', async () => {
    await using redis = await startRedis()
    const env = { REDIS_URL: redis.url }
    await redis.admin.set(`trpc-sse:{${encodeURIComponent(`["a",${deep}]`)}}:last`, '5-0 1')
    await redis.admin.set('trpc-sse:{%5B%22b%22%5D}:last', '5-0 1')
    await redis.admin.hset('trpc-sse:{%5B%22b%22%5D}:entries', 'k', deep)
    for (const json of [[], ['--json']]) {
      const listed = await cli(['channels', ...json], { env })
      expect([listed.code, listed.notes]).toEqual([0, []])
      expect(listed.lines.at(-1)).toContain('b')
      expect((await cli(['runs', ...json], { env })).code).toBe(0)
      const state = await cli(['state', 'b', ...json], { env })
      expect(state.code).toBe(0)
      expect(state.lines.at(-1)).toContain('[[[')
    }
  })
})

describe('passwords', () => {
  const url = 'redis://ann:secret@localhost'
  const mistakes = [
    [url],
    ['channels', `--${url}`],
    ['channels', 'a', url],
    ['channels', url.replace('redis://', '')],
    ['channels', '--redis', url.replace('secret', '100%secret')],
    ['doctor', url.replace('redis', 'http')],
    ['publish', 'a', '--data', '1', '--module', url],
  ]
  it.each(mistakes)('are not printed for %s %s', async (...args) => {
    const { code, notes, lines } = await cli(args, { env: { REDIS_URL: 'redis://localhost:1' } })
    expect(code).toBeGreaterThan(0)
    expect(notes).toHaveLength(1)
    expect([...notes, ...lines].join().replace('ann:secret@localhost.', '')).not.toContain('secret')
  })
})

// https://github.com/predis/predis/issues/534
it.each([[[]], [['--cluster']], [['--sentinel', 'main']]])(
  'a Redis that accepts connections but never answers is given up, with %s',
  async (options) => {
    const clock = manualClock()
    await using server = await serveTcp(() => {})
    const args = ['channels', ...options, '--redis', `redis://:secret@${server.host}`]
    const running = startCli(args, { clock })
    await clock.due(5_000)
    clock.advance(5_000)
    expect(await running.exited).toBe(3)
    expect(running.notes.items).toEqual([expect.stringContaining("can't connect")])
  },
)
