import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sseLink } from '@trpc-sse/client'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { http2Fetch } from './multiplexed/http2-fetch.ts'
import { bundleServer } from './support/bundle.ts'
import { selfSigned } from './support/certificate.ts'
import { runCommand } from './support/command.ts'
import { type DocFiles, writeDocFiles } from './support/doc-files.ts'
import { untypedClient } from './support/follow.ts'
import { createInbox } from './support/inbox.ts'
import { readPage, root } from './support/pages.ts'
import { startProgram } from './support/program.ts'
import { freePort } from './support/redis.ts'

const page = readPage('docs/frameworks.md')
const commands = page.blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.trim().split('\n'))
  .map((line) => line.replace(/\s+#.*$/, '').split(' '))
const installs = commands.filter(([program]) => program === 'npm')
/** The page's first command runs the client. Each other command runs the server of a section. */
const [clientCommand = [], ...servers] = commands.filter(([program = '']) =>
  /^(node|bun|deno)$/.test(program),
)

let docs: DocFiles
const ports = new Map<string, number>()
beforeAll(async () => {
  const files = ['http2.ts', ...servers.map((command) => command.at(-1) ?? '')]
  for (const file of files) ports.set(file, await freePort())
  docs = writeDocFiles('docs/frameworks.md', 'frameworks', (code, file) =>
    code.replaceAll('3000', `${ports.get(file)}`),
  )
  const { key, cert } = selfSigned()
  writeFileSync(docs.path('key.pem'), key)
  writeFileSync(docs.path('cert.pem'), cert)
})
afterAll(() => docs[Symbol.dispose]())

/** Runs a command of the page in the folder of its files. */
function run([name = '', ...args]: readonly string[]) {
  const program = name === 'node' ? process.execPath : join(root, 'tests/node_modules/.bin', name)
  return runCommand(docs.path('.'), [program, ...args])
}

/** Runs the client of the page. Resolves once it has printed the documented line. */
async function seeAnEvent(...args: string[]): Promise<void> {
  await using client = run([...clientCommand, ...args])
  expect(await client.lines.take()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z ann: hello$/)
}

async function listens(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
}

describe('docs/frameworks.md, followed', () => {
  it('has a command for each way to serve', () => {
    expect(clientCommand).toEqual(['node', 'client.ts'])
    expect(servers.map((command) => command.at(-1))).toEqual([
      'standalone.ts',
      'node-http.ts',
      'express.ts',
      'fastify.ts',
      'hono.ts',
      'bun.js',
      'deno.js',
    ])
  })

  it.each(servers.map((command) => [command.join(' '), command] as const))(
    '%s: an event goes through the server',
    async (_name, command) => {
      const file = command.at(-1) ?? ''
      const port = ports.get(file) ?? 0
      await using server = run(command)
      await vi.waitFor(() => listens(port), { timeout: 15_000, interval: 20 })
      await seeAnEvent(`http://localhost:${port}/trpc`)
      // The server drains: the client leaves, and looks for another server.
      if (/SIGTERM/.test(readFileSync(docs.path(file), 'utf8'))) {
        server.child.kill('SIGTERM')
        const [, signal] = await once(server.child, 'exit')
        expect(signal).not.toBe('SIGKILL')
      }
    },
  )

  it('over HTTP/2, too', async () => {
    const origin = `https://127.0.0.1:${ports.get('http2.ts')}`
    await using _server = run(['node', 'http2.ts'])
    await vi.waitFor(() => listens(ports.get('http2.ts') ?? 0), { timeout: 15_000, interval: 20 })
    using http2 = http2Fetch(origin)
    const client = untypedClient(
      sseLink({ url: `${origin}/trpc`, transformer: superjson, fetch: http2.fetch } as never),
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
    const said = await http2.fetch(`${origin}/trpc/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(superjson.serialize({ room: 'lobby', author: 'ann', text: 'hello' })),
    })
    expect(said.status).toBe(200)
    expect(await texts.take()).toBe('hello')
    subscription.unsubscribe()
  })

  it('on workerd, in a Durable Object', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'worker-'))
    await bundleServer({
      entryPoints: [docs.path('worker.ts')],
      outfile: join(folder, 'worker.js'),
    })
    copyFileSync(join(root, 'tests/adapters/runtimes/config.capnp'), join(folder, 'config.capnp'))
    const workerd = join(root, 'tests/node_modules/.bin/workerd')
    await using server = startProgram(workerd, ['serve', 'config.capnp', '--control-fd=1'], {
      cwd: folder,
    })
    await seeAnEvent(`http://127.0.0.1:${await server.says(/(?<="port":)\d+/)}/trpc`)
    rmSync(folder, { recursive: true, force: true })
  })

  it('has the settings of Wrangler for the object that its worker uses', async () => {
    const settings = JSON.parse(page.blocks.find(({ language }) => language === 'json')?.code ?? '')
    expect(settings).toMatchObject({
      main: 'worker.ts',
      durable_objects: { bindings: [{ name: 'app', class_name: 'App' }] },
      migrations: [{ new_sqlite_classes: ['App'] }],
    })
    expect(Object.keys(await import(docs.path('worker.ts')))).toContain('App')
  })

  it('the route handler of Next.js answers', async () => {
    const { GET } = await import(docs.path('app/api/trpc/[trpc]/route.ts'))
    const input = encodeURIComponent(JSON.stringify(superjson.serialize({ room: 'lobby' })))
    const response: Response = await GET(
      new Request(`http://localhost/api/trpc/onMessage?input=${input}`),
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await response.body?.cancel()
  })

  it('installs the versions that the workspace is tested with', () => {
    const named = installs.flatMap((line) => line.slice(2).filter((word) => !word.startsWith('--')))
    const had = ['tests', 'apps/next'].flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
    })
    expect(named.filter((name) => !had.includes(name))).toEqual(['wrangler'])
    expect(named).toEqual(expect.arrayContaining(['express', 'fastify', 'hono', 'next']))
  })
})
