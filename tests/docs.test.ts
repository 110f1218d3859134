import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { createTRPCUntypedClient, httpBatchLink, httpSubscriptionLink } from '@trpc/client'
import type { AnyTRPCRouter } from '@trpc/server'
import { sseLink } from '@trpc-sse/client'
import type { StateEvent } from '@trpc-sse/server'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { listen } from './support/http.ts'
import { createInbox, type Inbox } from './support/inbox.ts'
import { filesIn, filesOf, type Page, readPage, readPages, root } from './support/pages.ts'
import { freePort } from './support/redis.ts'
import { serveRouter } from './support/router-server.ts'

const pages = readPages()
const work = join(root, 'tests/.docs')

beforeAll(() => {
  rmSync(work, { recursive: true, force: true })
  for (const page of pages) writeFiles(folderOf(page), filesOf(page))
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

function folderOf({ path }: Page): string {
  return join(work, path.replaceAll('/', '--').replace(/\.md$/, ''))
}

function writeFiles(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [name, code] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), code)
  }
}

function withPort(files: ReadonlyMap<string, string>, port: number): ReadonlyMap<string, string> {
  return new Map(Array.from(files, ([name, code]) => [name, code.replaceAll('3000', `${port}`)]))
}

/** Compiles a folder by its `tsconfig.json`; returns the compiler's errors. */
function compile(folder: string, ...options: readonly string[]): string {
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout, error } = spawnSync(tsc, ['-p', '.', '--pretty', 'false', ...options], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(error).toBeUndefined()
  return stdout.trim()
}

describe('the code in the documentation', () => {
  it('compiles', () => {
    const compilerOptions = { jsx: 'react-jsx', noUnusedLocals: false, types: ['node'] }
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions,
      include: ['./**/*'],
      exclude: ['docs--react-native'],
    }
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify(config))
    expect(compile(work)).toBe('')
    expect(pages.flatMap((page) => [...filesOf(page).keys()]).length).toBeGreaterThan(15)
  })

  it('compiles with the settings of React Native, if it is for React Native', () => {
    const folder = join(work, 'docs--react-native')
    const compilerOptions = { module: 'preserve', moduleResolution: 'bundler' }
    const config = {
      extends: '../../../tsconfig.base.json',
      compilerOptions,
      include: ['./**/*', '../../support/react-native.d.ts'],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    // As in React Native apps, CommonJS modules have the default export that they declare.
    writeFileSync(join(folder, 'package.json'), '{}')
    expect(compile(folder)).toBe('')
  })

  it('names scripts that exist', () => {
    const scriptsOf = (folder: string): string[] => {
      const manifest = join(root, folder, 'package.json')
      return existsSync(manifest)
        ? Object.keys(JSON.parse(readFileSync(manifest, 'utf8')).scripts ?? {})
        : []
    }
    const named = pages.flatMap(({ path, text, blocks }) => {
      const shell = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code)
      const commands = [...shell, ...(text.match(/`[^`\n]+`/g) ?? [])].join('\n')
      const known = new Set([...scriptsOf('.'), ...scriptsOf(dirname(path)), 'exec', 'vitest'])
      return [...commands.matchAll(/\b(?:npm run|pnpm) ([\w:]+)|\bnpm (test)\b/g)]
        .map(([, a, b]) => a ?? b ?? '')
        .map((name) => ({ name, isKnown: known.has(name) }))
    })
    expect(named.filter(({ isKnown }) => !isKnown)).toEqual([])
    expect(named.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['demo', 'test', 'bench', 'example']),
    )
  })
})

describe('the pages', () => {
  it.each(pages.map((page) => [page.path, page] as const))(
    '%s: its links, and the files that it names, exist',
    (_path, page) => {
      const links = [
        ...withoutCode(page.text).matchAll(/(?:\]\(|\bsrc(?:set)?=")([^")\s]+)[")]/g),
      ].map(([, link = '']) => link)
      const broken = links
        .map((link) => localLink(page.path, link))
        .filter((link) => link !== undefined)
      expect(broken.filter((link) => !leadsSomewhere(page, link))).toEqual([])
      const named =
        page.text.match(/(?<![\w./-])(?:packages|tests|apps|docs)\/[\w./-]+\.\w+/g) ?? []
      expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([])
    },
  )

  it.each(pages.map((page) => [page.path, page] as const))(
    '%s: names no path of a machine',
    (_path, page) => {
      expect(page.text.match(/(?<![\w.~])\/(?:home|root|work|tmp|Users|opt|mnt)\/\S*/g)).toBeNull()
    },
  )

  it.each(pages.map((page) => [page.path, page] as const))(
    '%s: its lines have at most 100 columns',
    (_path, { text }) => {
      const lines = text.split('\n').filter((line) => line.length > 100)
      // Tables and links can't be wrapped.
      expect(lines.filter((line) => !/^\s*\||^[- ]*\[.*\]\(\S+\)$|\S{60}/.test(line))).toEqual([])
    },
  )

  it('are all reachable from the README', () => {
    const reached = new Set<string>()
    const visit = (path: string): void => {
      if (reached.has(path) || !path.endsWith('.md')) return
      reached.add(path)
      for (const [, link = ''] of readPage(path).text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        const local = localLink(path, link)
        if (local !== undefined) visit(join(dirname(path), local))
      }
    }
    visit('README.md')
    expect(pages.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([])
  })

  it('README.md has at most 100 lines, and the two commands', () => {
    const { text } = readPage('README.md')
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(100)
    expect(text).toContain('npm test')
    expect(text).toContain('npm run demo')
  })

  /**
   * Returns a page's link as a link between files; `undefined` if it leads elsewhere. Published
   * pages link to the repository's URL.
   */
  function localLink(from: string, link: string): string | undefined {
    const [, path, anchor = ''] =
      /^https:\/\/github\.com\/trpc-sse\/trpc-sse(?:\/(?:blob|tree)\/main\/([^#]*))?(#.*)?$/.exec(
        link,
      ) ?? []
    if (path !== undefined) return `${relative(dirname(from), path)}${anchor}`
    return /^https?:/.test(link) ? undefined : link
  }

  function leadsSomewhere(page: Page, link: string): boolean {
    const [file = '', anchor] = link.split('#')
    const path = file === '' ? page.path : join(dirname(page.path), file)
    if (!existsSync(join(root, path))) return false
    return anchor === undefined || anchorsOf(readPage(path)).includes(anchor)
  }

  /** The anchors that GitHub creates for headings. */
  function anchorsOf({ text }: Page): readonly string[] {
    return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
  }

  function withoutCode(text: string): string {
    return text.replace(/^```[\s\S]*?^```$/gm, '')
  }
})

describe('docstrings', () => {
  it.each(readdirPackages())('are on all exports of %s', (folder) => {
    const entries = filesIn(`${folder}/src`, /\.ts$/).filter((file) =>
      entriesOf(folder).includes(file),
    )
    const exported = entries.flatMap((entry) => exportsOf(entry))
    expect(exported.filter(({ documented }) => !documented).map(({ name }) => name)).toEqual([])
    expect(exported.length).toBeGreaterThan(0)
  })

  interface Exported {
    readonly name: string
    readonly documented: boolean
  }

  /** The module's own exports, and those that it re-exports from neighboring modules. */
  function exportsOf(file: string, wanted?: ReadonlySet<string>): readonly Exported[] {
    const text = readFileSync(join(root, file), 'utf8')
    const declared =
      /^(\/?[^\n]*)\n?export (?:declare )?(?:async )?(?:function\*?|const|interface|type|class) (\w+)/gm
    const own = [...text.matchAll(declared)].map(([, before = '', name = '']) => ({
      name: `${name} (${file})`,
      documented: before.trimEnd().endsWith('*/'),
      key: name,
    }))
    const passedOn = [...text.matchAll(/^export (?:type )?\{([^}]+)\} from '(\.[^']+)'/gm)].flatMap(
      ([, names = '', from = '']) => exportsOf(join(dirname(file), from), new Set(namesIn(names))),
    )
    return [...own.filter(({ key }) => wanted === undefined || wanted.has(key)), ...passedOn]
  }

  function namesIn(list: string): readonly string[] {
    return list
      .split(',')
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type /, '')
            .split(' as ')[0] ?? '',
      )
      .filter((name) => name !== '')
  }

  function entriesOf(folder: string): readonly string[] {
    const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const entries = Object.values<string | Record<string, string>>(exports)
    // An entry may be another file in some conditions.
    return entries
      .flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry)))
      .map((file) => join(folder, file))
  }

  function readdirPackages(): readonly string[] {
    return [...new Set(filesIn('packages', /^package\.json$/).map(dirname))]
  }
})

describe('getting started, run as it is written', () => {
  const page = readPage('docs/getting-started.md')

  it('publishes, receives, survives a cut, and reports a gap after a restart', async () => {
    const port = await freePort()
    const folder = join(work, 'run')
    writeFiles(folder, withPort(filesOf(page), port))
    const commands = [...page.text.matchAll(/^\| \d +\|.*?`node ([^`]+)`/gm)].map(
      ([, command = '']) => command.split(' '),
    )
    const next = (): Running => run(commands.shift() ?? [], folder)
    async function send(): Promise<void> {
      await using sending = next()
      expect(await sending.exited).toBe(0)
      expect(sending.errors.items).toEqual([])
    }

    await using server = next()
    await listening(port)
    await using first = next()
    expect(await first.lines.take()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z ann: hello$/)
    await send()
    expect(messageOf(await first.lines.take())).toBe('bob: one')
    await first[Symbol.asyncDispose]()

    // The page's client, followed by a file that marks that its request was answered.
    const signed = `await import('./client.ts')\nwriteFileSync('answered', '')\n`
    writeFileSync(join(folder, 'signed.ts'), `import { writeFileSync } from 'node:fs'\n${signed}`)
    expect(commands[0]?.at(-1)).toBe('client.ts')
    commands[0]?.splice(-1, 1, 'signed.ts')
    await using client = next()
    const soFar = ['ann: hello', 'bob: one', 'ann: hello']
    expect((await client.lines.takeMany(3)).map(messageOf)).toEqual(soFar)
    // The message may arrive before the request's answer, which would fail without the network.
    await expect.poll(() => existsSync(join(folder, 'answered'))).toBe(true)
    client.enter()
    expect(await client.lines.take()).toBe('network: gone')
    await send()
    expect(client.lines.items).toHaveLength(4)
    client.enter()
    expect(await client.lines.take()).toBe('network: back')
    expect((await client.lines.takeMany(3)).map(messageOf)).toEqual([
      'bob: two',
      'bob: three',
      'bob: four',
    ])
    expect(client.errors.items).toEqual([])

    await server[Symbol.asyncDispose]()
    await using _restarted = next()
    await listening(port)
    expect(await client.errors.take()).toMatch(/^events are missing after \d+-\d+$/)
    await send()
    expect(messageOf(await client.lines.take())).toBe('bob: five')
    expect(client.lines.items).toHaveLength(9)
    expect(commands).toEqual([])
  })

  it('has a tsconfig.json that checks its files and writes what Node 20 runs', () => {
    const folder = join(work, 'compiled')
    const names = ['router.ts', 'server.ts', 'client.ts', 'send.ts', 'cut.ts', 'node-http.ts']
    writeFiles(folder, new Map([...filesOf(page)].filter(([name]) => names.includes(name))))
    const config = page.blocks.find(({ language }) => language === 'json')?.code ?? ''
    writeFileSync(join(folder, 'tsconfig.json'), config)
    // Here, the packages are source files, so they are compiled, too.
    expect(compile(folder, '--rootDir', root)).toBe('')
    const server = join(folder, 'dist', relative(root, folder), 'server.js')
    expect(readFileSync(server, 'utf8')).toContain("from './router.js'")
  })

  const messageOf = (line: string): string => line.split(' ').slice(1).join(' ')
})

describe('troubleshooting.md', () => {
  const sources = filesIn('packages', /(?<!\.test)\.tsx?$/)
    .filter((path) => path.includes('/src/'))
    .map((path) => readFileSync(join(root, path), 'utf8').replace(/(['"`]) \+\s+['"`]/g, ''))
    // Backslashes occur only in front of quotes.
    .map((code) => code.replaceAll('\\', ''))
  const rows = readPage('docs/troubleshooting.md').text.matchAll(/^\| +(.*?) +\|/gm)
  const quoted = [...rows].flatMap(([, cell = '']) => cell.match(/`[^`]+`/g) ?? [])
  const messages = quoted
    .map((message) => message.slice(1, -1))
    .filter((message) => / |^[A-Z_]{6,}$/.test(message))

  it.each(messages)('%s: is what the packages say', (message) => {
    const parts = message.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    const pattern = new RegExp(parts.join('[^\\n]*?'))
    expect(sources.some((code) => pattern.test(code))).toBe(true)
  })
})

describe('the recipes, run as they are written', () => {
  const folder = join(work, 'recipes')
  const recipe = (name: string) => import(join(folder, name))
  beforeAll(() => writeFiles(folder, filesOf(readPage('docs/recipes.md'))))

  it('a job completes, even for a client that was cut after its last event', async () => {
    const { jobRouter } = await recipe('job.ts')
    const { runJob } = await recipe('job-client.ts')
    await using server = await serveRouter(jobRouter)
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    const result: string = await runJob(server.url)
    expect(result).toMatch(/^\/reports\//)
    expect(log.mock.calls.flat()).toEqual(['0 %', '20 %', '40 %', '60 %', '80 %'])
    log.mockRestore()

    const jobId = result.replace('/reports/', '')
    const client = createTRPCUntypedClient({ links: [sseLink<AnyTRPCRouter>({ url: server.url })] })
    const follow = (lastEventId?: string) =>
      new Promise<string[]>((resolve, reject) => {
        const ids: string[] = []
        const input = { jobId, lastEventId }
        client.subscription('onProgress', input, {
          onData: (event) => ids.push((event as { id: string }).id),
          onComplete: () => resolve(ids),
          onError: reject,
        })
      })
    const ids = await follow()
    expect(ids).toHaveLength(6)
    expect(await follow(ids[3])).toEqual(ids.slice(4))
    expect(await follow(ids[5])).toEqual([])
  })

  it("an app's tests pass", async () => {
    await using tests = run(['--test', 'app.test.ts'], folder)
    expect(await tests.exited).toBe(0)
    expect(tests.lines.items).toContain('ℹ pass 2')
  })
})

describe('presence.md', () => {
  const folder = folderOf(readPage('docs/presence.md'))

  /** Serves a router, and follows a subscription of a user. */
  async function serveUsers(router: AnyTRPCRouter) {
    const createContext = ({ req }: { req: IncomingMessage }) => {
      const id = `${req.headers['x-user']}`
      return { user: { id, name: id.toUpperCase() } }
    }
    const server = await serveRouter(router, { createContext })
    const clientOf = (user: string) => {
      const options = { url: server.url, headers: { 'x-user': user } }
      return createTRPCUntypedClient<AnyTRPCRouter>({
        links: [sseLink<AnyTRPCRouter>(options), httpBatchLink(options)],
      })
    }
    const follow = (user: string, path: string) => {
      const shown = createInbox<string>()
      const map = new Map<string, { name: string }>()
      const { unsubscribe } = clientOf(user).subscription(
        path,
        { room: 'lobby' },
        {
          onData(item) {
            applyTo(map, (item as { data: StateEvent<{ name: string }> }).data)
            shown.put(Array.from(map.values(), ({ name }) => name).join())
          },
        },
      )
      return { shown, leave: unsubscribe }
    }
    return { server, clientOf, follow }
  }

  function applyTo<TValue>(map: Map<string, TValue>, { type, data }: StateEvent<TValue>): void {
    if (type === 'snapshot') for (const { key, value } of data) map.set(key, value)
    else if (data.type === 'set') map.set(data.key, data.value)
    else map.delete(data.key)
  }

  it('a user is there until the last of their tabs is closed', async () => {
    const { appRouter } = await import(join(folder, 'router.ts'))
    const { server, clientOf, follow } = await serveUsers(appRouter)
    await using _server = server
    const ann = follow('ann', 'onMember')
    expect(await ann.shown.take()).toBe('ANN')
    const tabs = [follow('bob', 'onMember'), follow('bob', 'onMember')]
    expect(await ann.shown.take()).toBe('ANN,BOB')
    tabs[0]?.leave()
    const { entries } = (await clientOf('ann').query('members', { room: 'lobby' })) as {
      entries: unknown[]
    }
    expect(entries).toHaveLength(2)
    tabs[1]?.leave()
    expect(await ann.shown.take()).toBe('ANN')
    ann.leave()
  })

  it('a user who types is shown to others, and disappears', async () => {
    const { typingRouter } = await import(join(folder, 'typing.ts'))
    const { server, clientOf, follow } = await serveUsers(typingRouter)
    await using _server = server
    const ann = follow('ann', 'onTyping')
    expect(await ann.shown.take()).toBe('')
    await clientOf('bob').mutation('type', { room: 'lobby' })
    expect(await ann.shown.take()).toBe('BOB')
    expect(await ann.shown.take()).toBe('')
    ann.leave()
  })
})

describe('the CORS settings of server-link.md', () => {
  const files = filesOf(readPage('docs/server-link.md'))
  const origin = 'https://app.example.com'

  it('standalone, allow one origin, and no other', async () => {
    const port = await freePort()
    const folder = join(work, 'cross-origin')
    writeFiles(folder, withPort(files, port))
    await using _server = run(['cross-origin.ts'], folder)
    await listening(port)
    await check((init) => fetch(`http://127.0.0.1:${port}/~sse`, init))
  })

  it('with fetch, allow one origin, and no other', async () => {
    const folder = join(work, 'cross-origin-fetch')
    writeFiles(folder, files)
    const { handle } = await import(join(folder, 'cross-origin-fetch.ts'))
    await check((init) => handle(new Request('http://localhost/trpc/~sse', init)))
  })

  async function check(ask: (init: RequestInit) => Promise<Response>): Promise<void> {
    const asked = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    }
    const preflight = await ask({ method: 'OPTIONS', headers: { origin, ...asked } })
    expect(preflight.ok).toBe(true)
    expect(Object.fromEntries(preflight.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': expect.stringContaining('POST'),
      'access-control-allow-headers': expect.stringContaining('content-type'),
    })

    const open = new AbortController()
    const body = JSON.stringify({ version: 1, revision: 1, subscriptions: {} })
    const post = { method: 'POST', body, signal: open.signal }
    const stream = await ask({ ...post, headers: { origin, 'content-type': 'application/json' } })
    const malformed = await ask({
      ...post,
      headers: { origin, 'content-type': 'application/json' },
      body: '',
    })
    expect([stream.status, malformed.status]).toEqual([200, 400])
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    for (const { headers } of [stream, malformed]) {
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-expose-headers')).toBe('retry-after')
      expect(headers.get('vary')).toMatch(/\borigin\b/)
    }

    const stranger = await ask({
      ...post,
      headers: { origin: 'https://evil.example', 'content-type': 'text/plain' },
    })
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull()
    open.abort()
  }
})

describe('what the README says of a proxy that answers 502', () => {
  it("ends the subscription of tRPC's own link, and ours tries again with fresh headers", async () => {
    const tokens: unknown[] = []
    await using server = await listen((request, response) => {
      tokens.push(request.headers['x-token'])
      response.writeHead(502).end()
    })
    const { url } = server
    const stockError = vi.fn()
    const stock = createTRPCUntypedClient({ links: [httpSubscriptionLink({ url, EventSource })] })
    stock.subscription('news', undefined, { onError: stockError })
    await expect.poll(() => stockError).toHaveBeenCalledTimes(1)
    expect(tokens).toEqual([undefined])

    const onError = vi.fn()
    let asked = 0
    const link = sseLink({
      url,
      headers: () => ({ 'x-token': `${++asked}` }),
      retry: { baseMs: 1 },
    })
    const ours = createTRPCUntypedClient({ links: [link] }).subscription('news', undefined, {
      onError,
    })
    await expect.poll(() => tokens.slice(0, 4)).toEqual([undefined, '1', '2', '3'])
    ours.unsubscribe()
    expect(onError).not.toHaveBeenCalled()
  })
})

interface Running extends AsyncDisposable {
  /** The lines of its standard output. */
  readonly lines: Inbox<string>
  /** The lines of its error output. */
  readonly errors: Inbox<string>
  /** Its exit code. */
  readonly exited: Promise<number | null>
  /** Presses Enter. */
  enter(): void
}

/** Runs `node` with these arguments in a separate process. */
function run(args: readonly string[], folder: string): Running {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: 'pipe' })
  // A test that times out must not leave the process behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', kill)
    return code
  })
  const linesOf = (input: Readable): Inbox<string> => {
    const inbox = createInbox<string>()
    createInterface({ input }).on('line', inbox.put)
    return inbox
  }
  return {
    lines: linesOf(child.stdout),
    errors: linesOf(child.stderr),
    exited,
    enter: () => void child.stdin.write('\n'),
    async [Symbol.asyncDispose]() {
      kill()
      await exited
    },
  }
}

/** Waits until a server answers at a port. */
function listening(port: number): Promise<Response> {
  return vi.waitFor(() => fetch(`http://127.0.0.1:${port}/nothing`), {
    timeout: 15_000,
    interval: 20,
  })
}
