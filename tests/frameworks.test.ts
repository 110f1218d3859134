import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { sseLink } from '@trpc-sse/client'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { http2Fetch } from './multiplexed/http2-fetch.ts'
import { selfSigned } from './support/certificate.ts'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { untypedClient } from './support/follow.ts'
import { createInbox } from './support/inbox.ts'
import { root } from './support/pages.ts'
import { startProgram } from './support/program.ts'
import { freePort } from './support/redis.ts'

const bin = join(root, 'tests/node_modules/.bin')

/** Each server of docs/frameworks.md, and what runs it. */
const servers = [
  { file: 'standalone.ts', command: [process.execPath] },
  { file: 'http2.ts', command: [process.execPath] },
  { file: 'node-http.ts', command: [process.execPath] },
  { file: 'express.ts', command: [process.execPath] },
  { file: 'fastify.ts', command: [process.execPath] },
  { file: 'hono.ts', command: [process.execPath] },
  { file: 'bun.js', command: [join(bin, 'bun')] },
  { file: 'deno.js', command: [join(bin, 'deno'), 'run', '--allow-net', '--allow-env=NODE_ENV'] },
] as const

let docs: DocFiles
const ports = new Map<string, number>()
beforeAll(async () => {
  for (const { file } of servers) ports.set(file, await freePort())
  docs = writeDocFiles('docs/frameworks.md', 'frameworks', (code, file) =>
    code.replaceAll('3000', `${ports.get(file)}`),
  )
  const { key, cert } = selfSigned()
  writeFileSync(docs.path('key.pem'), key)
  writeFileSync(docs.path('cert.pem'), cert)
})
afterAll(() => docs[Symbol.dispose]())

describe('docs/frameworks.md, run as it is written', () => {
  it.each(servers)('$file serves the chat', async ({ file, command }) => {
    const [program = '', ...args] = command
    await using server = startProgram(program, [...args, file], { cwd: docs.path('.'), readsErrors: true })
    const scheme = file === 'http2.ts' ? 'https' : 'http'
    const origin = `${scheme}://127.0.0.1:${ports.get(file)}`
    await vi.waitFor(() => listens(ports.get(file) ?? 0), { timeout: 15_000, interval: 20 })
    using http2 = http2Fetch(origin)
    const send = scheme === 'https' ? http2.fetch : globalThis.fetch
    const client = untypedClient(
      sseLink({ url: `${origin}/trpc`, transformer: superjson, fetch: send } as never),
    )
    const texts = createInbox<string>()
    const started = createInbox<true>()
    const subscription = client.subscription(
      'onMessage',
      { room: 'lobby' },
      {
        onStarted: () => started.put(true),
        onData: (event) => texts.put((event as { data: { text: string } }).data.text),
      },
    )
    await started.take()
    const message = superjson.serialize({ room: 'lobby', author: 'ann', text: 'hello' })
    const said = await send(`${origin}/trpc/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    })
    expect(said.status).toBe(200)
    expect(await texts.take()).toBe('hello')
    if (file === 'express.ts' || file === 'fastify.ts') {
      // It drains: the client goes, and looks for another server.
      server.child.kill('SIGTERM')
      const [, signal] = await once(server.child, 'exit')
      expect(signal).not.toBe('SIGKILL')
    }
    subscription.unsubscribe()
  })

  it('the route handler of Next.js answers', async () => {
    const { GET } = await import(docs.path('app/api/trpc/[trpc]/route.ts'))
    const input = encodeURIComponent(JSON.stringify(superjson.serialize({ room: 'lobby' })))
    const response: Response = await GET(new Request(`http://localhost/api/trpc/onMessage?input=${input}`))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await response.body?.cancel()
  })

  it('the handler for Bun, Deno and Workers is one function', async () => {
    const { handler } = await import(docs.path('handler.ts'))
    const { App, default: worker } = await import(docs.path('worker.ts'))
    expect(new App().fetch).toBe(handler)
    const asked = createInbox<string>()
    const getByName = (name: string) => ({
      fetch: async (req: Request) => {
        asked.put(name)
        return handler(req)
      },
    })
    const response = await worker.fetch(new Request('http://localhost/trpc/nothing'), { app: { getByName } })
    expect([response.status, await asked.take()]).toEqual([404, 'app'])
  })
})

async function listens(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
}
