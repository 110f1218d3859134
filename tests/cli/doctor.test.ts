import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { Transform } from 'node:stream'
import { createGzip } from 'node:zlib'
import { initTRPC } from '@trpc/server'
import { type ChannelHandle, channel, createChannels, type ServerLink } from '@trpc-sse/server'
import { createHTTPServer } from '@trpc-sse/server/adapters/standalone'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startCaddy } from '../support/caddy.ts'
import { selfSigned } from '../support/certificate.ts'
import { cli, startCli } from '../support/cli.ts'
import { listen } from '../support/http.ts'
import { startNginx } from '../support/nginx.ts'
import { range } from '../support/numbers.ts'
import { readPage } from '../support/pages.ts'
import { freePort } from '../support/redis.ts'

const blocks = readPage('docs/proxies.md').blocks
const documented = {
  nginx: blocks.find(({ file }) => file === 'nginx.conf')?.code ?? '',
  caddy: blocks.find(({ file }) => file === 'Caddyfile')?.code ?? '',
}

interface Serving extends AsyncDisposable {
  readonly url: string
}

interface App extends Serving {
  readonly link: ServerLink
  readonly numbers: ChannelHandle<number, number>
}

/** An app, as it is without a proxy. */
async function startApp(
  options: Partial<Parameters<typeof createHTTPServer>[0]> = {},
): Promise<App> {
  const channels = createChannels({ channels: { numbers: channel({ event: z.number() }) } })
  const t = initTRPC.create()
  const router = t.router({
    onNumber: t.procedure
      .input(z.object({ from: z.number() }))
      .subscription((opts) => channels.numbers().subscribe(opts)),
  })
  const server = createHTTPServer({
    basePath: '/trpc/',
    heartbeatMs: 500,
    ...options,
    router,
    channels,
  })
  return { ...(await listen(server)), link: server.link, numbers: channels.numbers() }
}

/** nginx as documented, or with changes of its configuration. */
async function behindNginx(app: Serving, change = (config: string) => config): Promise<Serving> {
  const port = await freePort()
  const config = documented.nginx
    .replace('127.0.0.1:3000', new URL(app.url).host)
    .replace('listen 80', `listen 127.0.0.1:${port}`)
  const nginx = await startNginx(change(config))
  return { ...nginx, url: `http://127.0.0.1:${port}` }
}

/** Caddy as documented, or with changes of its configuration. */
async function behindCaddy(app: Serving, change = (config: string) => config): Promise<Serving> {
  const port = await freePort()
  const config = documented.caddy
    .replace('app.example.com', `http://127.0.0.1:${port}`)
    .replace('127.0.0.1:3000', new URL(app.url).host)
  const caddy = await startCaddy(change(config))
  return { ...caddy, url: `http://127.0.0.1:${port}` }
}

interface Finding {
  readonly check: string
  readonly status: string
  readonly what: string
  readonly change: string
  readonly docs: string
}

/** Runs `doctor`, and returns what it finds. */
async function doctor(url: string, ...args: string[]) {
  const { code, lines, notes } = await cli(['doctor', `${url}/trpc`, '--json', ...args])
  const checks: Finding[] = lines.map((line) => JSON.parse(line))
  const findings = checks.filter(({ status }) => status === 'problem' || status === 'warning')
  return { code, notes, checks, findings, found: findings.map(({ check }) => check) }
}

const inLocation = (line: string) => (config: string) =>
  config.replace('proxy_pass', `${line}\n    proxy_pass`)
const inReverseProxy = (line: string) => (config: string) =>
  config.replace(/reverse_proxy (\S+)/, `reverse_proxy $1 {\n    ${line}\n  }`)

describe('doctor', () => {
  let app: App
  let slow: App
  beforeAll(async () => {
    app = await startApp()
    slow = await startApp({ heartbeatMs: 15_000 })
  })
  afterAll(async () => {
    await app[Symbol.asyncDispose]()
    await slow[Symbol.asyncDispose]()
  })

  // Most of the time, doctor waits for what a proxy holds back.
  it.concurrent.each([
    [
      'the server itself',
      (to: Serving) => Promise.resolve({ ...to, [Symbol.asyncDispose]: async () => {} }),
    ],
    ['nginx as documented', behindNginx],
    ['Caddy as documented', behindCaddy],
  ] as const)('finds nothing with %s', async (_name, front) => {
    await using proxy = await front(app)
    const result = await doctor(proxy.url, '--path', 'onNumber', '--input', '{"from":1}')
    expect(result.findings).toEqual([])
    expect(result.code).toBe(0)
    expect(result.checks.filter(({ status }) => status === 'ok').map(({ check }) => check)).toEqual(
      [
        'answer',
        'compression',
        'cache-control',
        'x-accel-buffering',
        'buffering',
        'subscription',
        'heartbeat',
      ],
    )
  })

  it.concurrent.each([
    ['ssl http2', []],
    ['ssl', ['http-version']],
  ])('over TLS, with "listen %s", finds %j', async (parameters, found) => {
    const { key, cert } = selfSigned()
    const port = await freePort()
    await using _nginx = await startNginx(async (folder) => {
      await writeFile(`${folder}/key.pem`, key)
      await writeFile(`${folder}/cert.pem`, cert)
      const certificate = `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`
      return documented.nginx
        .replace('127.0.0.1:3000', new URL(app.url).host)
        .replace('listen 80;', `listen 127.0.0.1:${port} ${parameters}; ${certificate}`)
    })
    const url = `https://127.0.0.1:${port}`
    expect((await doctor(url, '--insecure', '--idle', '0')).found).toEqual(found)
    expect((await doctor(url)).code).toBe(3)
  })

  it.concurrent.each([
    {
      fault: 'nginx that ignores the header',
      front: (to: Serving) =>
        behindNginx(to, (config) =>
          inLocation('proxy_ignore_headers X-Accel-Buffering;')(config).replace(
            'proxy_http_version 1.1;',
            '',
          ),
        ),
      found: ['buffering'],
      advice: 'proxy_ignore_headers',
    },
    {
      fault: 'nginx that compresses streams',
      front: (to: Serving) =>
        behindNginx(to, inLocation('gzip_types text/event-stream; gzip_proxied any;')),
      found: ['compression'],
      advice: 'gzip_types',
    },
    {
      fault: 'nginx that ends silent responses early',
      front: (to: Serving) =>
        behindNginx(to, (config) =>
          config.replace('proxy_read_timeout 60s', 'proxy_read_timeout 1s'),
        ),
      found: ['idle-timeout'],
      advice: 'heartbeatMs',
    },
    {
      fault: 'nginx that replaces cache-control',
      front: (to: Serving) =>
        behindNginx(
          to,
          inLocation('proxy_hide_header Cache-Control; add_header Cache-Control public;'),
        ),
      found: ['cache-control'],
      advice: 'responseMeta',
    },
    {
      fault: 'nginx that has another path',
      front: (to: Serving) => behindNginx(to, (config) => config.replace('/trpc/', '/api/')),
      found: ['answer'],
      advice: 'basePath',
    },
    {
      fault: 'Caddy that buffers responses',
      front: (to: Serving) => behindCaddy(to, inReverseProxy('buffer_responses')),
      found: ['buffering'],
      advice: 'response buffering off',
    },
    {
      fault: 'Caddy that compresses streams',
      // Caddy compresses nothing that says no-transform.
      front: (to: Serving) =>
        behindCaddy(to, (config) =>
          inReverseProxy('header_down Cache-Control no-transform no-store')(config).replace(
            'encode gzip',
            'encode {\n gzip\n minimum_length 1\n match header Content-Type text/event-stream*\n }',
          ),
        ),
      found: ['compression', 'cache-control', 'buffering'],
      advice: 'text/event-stream',
    },
    {
      fault: 'Caddy that ends silent responses early',
      front: (to: Serving) =>
        behindCaddy(to, inReverseProxy('transport http {\n read_timeout 1s\n }')),
      found: ['idle-timeout'],
      advice: 'heartbeatMs',
    },
    {
      fault: 'Caddy that removes the headers of streams',
      front: (to: Serving) =>
        behindCaddy(
          to,
          inReverseProxy('header_down -X-Accel-Buffering\n header_down -Cache-Control'),
        ),
      found: ['cache-control', 'x-accel-buffering'],
      advice: 'responseMeta',
    },
  ])('names the fault of $fault', async ({ front, found, advice }) => {
    await using proxy = await front(slow)
    const result = await doctor(proxy.url, '--idle', '0')
    expect(result.found).toEqual(found)
    expect(result.code).toBe(1)
    expect(result.findings[0]?.change).toContain(advice)
    expect(result.findings[0]?.docs).toContain('/docs/')
  })

  it.concurrent.each([
    [
      'compresses without a flush',
      { 'content-encoding': 'gzip' },
      () => createGzip(),
      'compression',
    ],
    ['holds the body back', {}, () => holdBack(), 'middleware'],
  ])('names something in between that %s', async (_name, headers, change, advice) => {
    await using between = await listen((request, response) => {
      const { method = 'GET', headers: own } = request
      const onward = http.request(`${slow.url}${request.url}`, {
        method,
        headers: own,
        agent: false,
      })
      onward.on('response', (answer) => {
        response
          .writeHead(answer.statusCode ?? 502, { ...answer.headers, ...headers })
          .flushHeaders()
        answer.pipe(change()).pipe(response)
      })
      request.pipe(onward)
    })
    const { found, findings } = await doctor(between.url, '--idle', '0')
    expect(found).toContain('buffering')
    expect(found.includes('compression')).toBe('content-encoding' in headers)
    expect(findings.at(-1)?.change.toLowerCase()).toContain(advice)
  })

  it('finds nothing at a channel that is busy', async () => {
    const input = ['--path', 'onNumber', '--input', '{"from":1}', '--idle', '0']
    const done = doctor(app.url, ...input)
    const { link, numbers } = app
    await expect.poll(() => link.stats().subscriptions).toBe(1)
    for (let i = 0; i < 30; i++) await numbers.publishMany(range(1, 100))
    expect((await done).findings).toEqual([])
  })

  it('names a subscription that fails', async () => {
    const result = await doctor(app.url, '--path', 'onNumber', '--input', '{}', '--idle', '0')
    expect(result.found).toEqual(['subscription'])
    expect(result.findings[0]?.what).toContain('expected number')
  })

  it('names a refused context, an HTML page and a redirect', async () => {
    await using guarded = await startApp({
      onError: () => {},
      createContext: ({ req }: { req: http.IncomingMessage }) => {
        if (req.headers.authorization !== 'Bearer t') throw new Error('who?')
        return {}
      },
    })
    const refused = await doctor(guarded.url)
    expect(refused.found).toEqual(['answer'])
    const allowed = await doctor(guarded.url, '--header', 'Authorization: Bearer t', '--idle', '0')
    expect(allowed.found).toEqual([])
    await using pages = await listen((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>\u001b[2J'),
    )
    const html = await doctor(pages.url)
    expect(html.findings[0]?.what).toMatch(/200, text\/html: <html>/)
  })

  it('checks what a page of another origin may do', async () => {
    const origin = 'https://app.example.com'
    const without = await doctor(app.url, '--origin', origin, '--idle', '0')
    expect(without.found).toEqual(['cors-preflight', 'cors-stream'])
    const allow = (headers: http.OutgoingHttpHeaders, all: boolean) =>
      startApp({
        middleware(req, res, next) {
          if (all || req.method === 'OPTIONS')
            for (const [name, value] of Object.entries(headers)) res.setHeader(name, value ?? '')
          if (req.method === 'OPTIONS') res.writeHead(204).end()
          else next()
        },
      })
    const headers = {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type, authorization',
    }
    await using right = await allow(headers, true)
    await using onlyPreflight = await allow(headers, false)
    await using star = await allow({ ...headers, 'access-control-allow-headers': '*' }, true)
    const args = ['--origin', origin, '--header', 'authorization: x', '--idle', '0']
    const [allowed, cookies, unreadable, wildcard] = await Promise.all([
      doctor(right.url, ...args),
      doctor(right.url, ...args, '--credentials'),
      doctor(onlyPreflight.url, ...args),
      doctor(star.url, ...args),
    ])
    expect(allowed.found).toEqual([])
    expect(cookies.findings[0]?.what).toContain('allow-credentials')
    expect(unreadable.found).toEqual(['cors-stream'])
    expect(wildcard.findings[0]?.what).toContain('lacks authorization')
  })

  it('prints for people what is wrong, why, and what to change', async () => {
    await using pages = await listen((_request, response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html>\u001b[2J'),
    )
    const { lines, notes, code } = await cli(['doctor', pages.url])
    expect(code).toBe(1)
    expect(lines[0]).toContain(
      'PROBLEM  answer: no stream was answered, but 404, text/html: <html>',
    )
    expect(lines.slice(1, 4).map((line) => line.trim().split(':')[0])).toEqual([
      'why',
      'change',
      'see',
    ])
    expect(lines.join()).not.toMatch(/[^\u0020-\u007e]/)
    expect(notes.at(-1)).toContain('1 problem,')
  })

  it.each(['', 'trpc', 'ftp://example.com', 'http://user:secret@localhost/trpc'])(
    'refuses the address %j',
    async (url) => {
      const { code, notes } = await cli(['doctor', url])
      expect(code).toBe(2)
      expect(notes.join()).not.toContain('secret')
    },
  )

  it('exits with 3 if nothing listens, and ends at Ctrl-C if nothing answers', async () => {
    expect((await cli(['doctor', 'http://127.0.0.1:1/trpc'])).code).toBe(3)
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const running = startCli(['doctor', `http://127.0.0.1:${port}/trpc`])
    await once(silent, 'connection')
    running.interrupt()
    expect(await running.exited).toBe(130)
    silent.close()
  })
})

/** Passes everything on at the end. */
function holdBack(): Transform {
  const chunks: Buffer[] = []
  return new Transform({
    transform(chunk, _encoding, done) {
      chunks.push(chunk)
      done()
    },
    flush: (done) => done(null, Buffer.concat(chunks)),
  })
}
