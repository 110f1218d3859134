import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { initTRPC, TRPCError, tracked } from '@trpc/server'
import { channel, createChannels, merge, run } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { cli, startCli } from '../support/cli.ts'
import { listen } from '../support/http.ts'
import { range } from '../support/numbers.ts'
import { serveRouter } from '../support/router-server.ts'

/** An app with a channel, and a procedure for each case. */
async function startApp() {
  const channels = createChannels({
    channels: {
      numbers: channel({ params: z.string(), event: z.number() }),
      answer: run({ event: z.string() }),
    },
  })
  const t = initTRPC.create()
  const numbers = channels.numbers('a')
  const router = t.router({
    onNumber: t.procedure.subscription((opts) => numbers.subscribe(opts)),
    onBoth: t.procedure.subscription((opts) =>
      merge([numbers.subscribe(opts), channels.numbers('b').subscribe(opts)]),
    ),
    onRepeat: t.procedure.subscription(async function* () {
      for (const id of ['5-0', '5-1', '5-1', '4-0', '6-0']) yield tracked(id, id)
      await new Promise(() => {})
    }),
    onAnswer: t.procedure.subscription((opts) => channels.answer().follow(opts)),
    fails: t.procedure.subscription(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: '\u001b[31mforbidden' })
    }),
  })
  const server = await serveRouter(router, { channels, limits: { connectionsPerAddress: 1_000 } })
  return { channels, numbers, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

type Row = Readonly<Record<string, number>>

const rowsOf = (lines: readonly string[]): Row[] => lines.map((line) => JSON.parse(line))
/** The sum of a column over all rows so far. */
const countOf = (lines: readonly string[], column: string): number =>
  rowsOf(lines).reduce((sum, row) => sum + (row[column] ?? 0), 0)
const lastOf = (lines: readonly string[]): Row => JSON.parse(lines.at(-1) ?? '{}').total

describe('load', () => {
  it('counts what every client gets, and prints a row for each second', async () => {
    await using app = await startApp()
    const limits = ['--max-gaps=0', '--max-repeats=0', '--max-failed=0', '--min-events=100']
    const args = ['load', app.server.url, '--path', 'onNumber', '--json', '--clients', '20']
    const running = startCli([...args, '--seconds', '60', ...limits])
    await expect.poll(() => app.server.link.stats().subscriptions).toBe(20)
    for (const n of range(1, 5)) await app.numbers.publish(n)
    await expect.poll(() => countOf(running.lines.items, 'events')).toBe(100)
    running.interrupt()
    await running.exited
    expect(running.notes.items).toEqual([])
    const total = { clients: 20, connected: 20, events: 100 }
    const none = { gaps: 0, repeats: 0, reconnects: 0, failed: 0 }
    expect(lastOf(running.lines.items)).toMatchObject({ ...total, ...none })
    await expect.poll(() => app.server.link.stats().connections).toBe(0)
  })

  it.each([['onNumber'], ['onBoth']])(
    'follows %s in single mode over cuts, without repeats',
    async (path) => {
      await using app = await startApp()
      const args = ['load', app.server.url, '--path', path, '--json', '--single', '--clients', '3']
      const running = startCli([...args, '--seconds', '20', '--max-reconnects', '1'])
      const events = () => countOf(running.lines.items, 'events')
      await expect.poll(() => app.server.link.stats().subscriptions).toBe(3)
      await app.numbers.publish(1)
      await expect.poll(events).toBe(3)
      app.server.cut()
      await app.numbers.publish(2)
      await expect.poll(events).toBe(6)
      running.interrupt()
      expect(await running.exited).toBe(130)
      expect(lastOf(running.lines.items)).toMatchObject({
        events: 6,
        gaps: 0,
        repeats: 0,
        reconnects: 3,
      })
      expect(running.notes.items).toContainEqual('--max-reconnects 1 is not kept: it is 3')
    },
  )

  it('counts gaps, repeats and failures, and exits with 1 beyond the limits', async () => {
    await using app = await startApp()
    const load = async (path: string, ...limits: string[]) => {
      const args = ['load', app.server.url, '--path', path, '--json', '--clients', '2']
      return cli([...args, '--seconds', '2', ...limits])
    }
    const repeats = await load('onRepeat', '--max-repeats', '3', '--max-p99', '1')
    expect(repeats.code).toBe(1)
    expect(lastOf(repeats.lines)).toMatchObject({ events: 10, repeats: 4 })
    expect(repeats.notes).toEqual([
      '--max-repeats 3 is not kept: it is 4',
      expect.stringMatching(/^--max-p99 1 is not kept/),
    ])
  })

  it('counts no repeat where a run sends several items at one position', async () => {
    await using app = await startApp()
    await app.channels.answer().produce(
      (async function* () {
        yield 'a'
        yield 'b'
      })(),
    )
    const args = ['load', app.server.url, '--path', 'onAnswer', '--json', '--clients', '2']
    const { code, lines } = await cli([...args, '--seconds', '2', '--max-repeats', '0'])
    expect(code).toBe(0)
    expect(lastOf(lines)).toMatchObject({ events: 8, repeats: 0 })
  })

  it('counts subscriptions that fail, and prints why, once', async () => {
    await using app = await startApp()
    const args = ['load', app.server.url, '--path', 'fails', '--json', '--clients', '3']
    const { code, notes, lines } = await cli([...args, '--seconds', '2', '--max-failed', '2'])
    expect(code).toBe(1)
    expect(lastOf(lines)).toMatchObject({ failed: 3 })
    expect(notes).toEqual(['3 × \\u001b[31mforbidden', '--max-failed 2 is not kept: it is 3'])
  })

  it('counts a gap of each client', async () => {
    await using app = await startApp()
    const args = ['load', app.server.url, '--path', 'onNumber', '--json', '--clients', '2']
    const running = startCli([...args, '--seconds', '20', '--max-gaps', '0'])
    await expect.poll(() => app.server.link.stats().subscriptions).toBe(2)
    await app.numbers.publish(1)
    await expect.poll(() => app.server.link.stats().eventsSent).toBe(2)
    await app.numbers.clear()
    await expect.poll(() => countOf(running.lines.items, 'gaps')).toBe(2)
    running.interrupt()
    await running.exited
    expect(lastOf(running.lines.items)).toMatchObject({ gaps: 2 })
    expect(running.notes.items).toContainEqual('--max-gaps 0 is not kept: it is 2')
  })

  it('prints a table for people', async () => {
    await using app = await startApp()
    const { lines, code } = await cli([
      'load',
      app.server.url,
      '--path',
      'onNumber',
      '--seconds',
      '1',
    ])
    expect(code).toBe(0)
    expect(lines[0]).toMatch(/^ +SECONDS +CONNECTED +EVENTS\/S .* FAILED$/)
    expect(lines[1]).toMatch(/^ +[\d.]+( +\d+){9}$/)
    expect(lines.at(-1)).toMatch(/^total: clients 10, connected \d+, events 0, /)
  })

  it('exits with 3 if no client gets a stream, whether nothing listens or nothing answers', async () => {
    const nothing = await cli(['load', 'http://127.0.0.1:1', '--path', 'x', '--seconds', '1'])
    expect(nothing.code).toBe(3)
    expect(nothing.notes.join()).toContain('no client got a stream')
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    expect(
      (await cli(['load', `http://127.0.0.1:${port}`, '--path', 'x', '--seconds', '1'])).code,
    ).toBe(3)
    silent.close()
    await using pages = await listen((_request, response) => response.end('<html>\u001b[2J'))
    const page = await cli(['load', pages.url, '--path', 'x', '--seconds', '1'])
    expect(page.code).toBe(3)
    expect(page.notes.join()).not.toContain('\u001b')
  })

  it.each([
    [['--path', 'x', '--clients', '0']],
    [['--path', 'x', '--clients', '10001']],
    [['--path', 'x', '--seconds', '3601']],
    [['--path', 'x', '--max-gaps', '-1']],
    [['--path', 'x', '--header', 'no header']],
    [['--input', '1']],
    [[]],
  ])('refuses %j', async (args) => {
    expect((await cli(['load', 'http://127.0.0.1:1', ...args])).code).toBe(2)
  })
})
