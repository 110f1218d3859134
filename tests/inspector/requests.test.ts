import http from 'node:http'
import net from 'node:net'
import { sseLink } from '@trpc-sse/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { follow, untypedClient } from '../support/follow.ts'
import { startInstance } from './app.ts'
import { askInspector, fromPage, type Listed } from './ask.ts'

let stack: AsyncDisposableStack

beforeEach(() => {
  stack = new AsyncDisposableStack()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await stack.disposeAsync()
})

describe('the page', () => {
  it('is served with a policy that allows only its own script', async () => {
    const { inspectorUrl } = await startInstance(stack)
    const response = await fetch(inspectorUrl)
    const html = await response.text()
    const policy = response.headers.get('content-security-policy') ?? ''
    const [, nonce] = /script-src 'nonce-([\w-]+)'/.exec(policy) ?? []
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(html).toContain(`<script nonce="${nonce}">`)
    expect(html).not.toContain('%NONCE%')
    expect(html).not.toMatch(/(src|href)="?https?:/)
  })

  it('has another nonce each time', async () => {
    const { inspectorUrl } = await startInstance(stack)
    const policies = await Promise.all(
      [1, 2].map(async () => (await fetch(inspectorUrl)).headers.get('content-security-policy')),
    )
    expect(policies[0]).not.toBe(policies[1])
  })

  it.each(['%7Einspector', '%7einspector'])('is found at %s too', async (path) => {
    const { url } = await startInstance(stack)
    expect((await fetch(`${url}/${path}`)).status).toBe(200)
  })

  it('refuses other methods', async () => {
    const { inspectorUrl } = await startInstance(stack)
    expect((await fetch(inspectorUrl, { method: 'PUT' })).status).toBe(405)
  })
})

describe('without allow', () => {
  it('is off in production: its path is one of a procedure that does not exist', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { inspectorUrl } = await startInstance(stack)
    const page = await fetch(inspectorUrl)
    const asked = await askInspector(inspectorUrl, { type: 'instances' })
    expect([page.status, asked.status]).toEqual([404, 404])
    expect(await page.text()).not.toContain('<html')
  })

  it.each([
    ['another name in the URL', { host: 'app.example.com' }],
    ['another address behind a proxy', { 'x-forwarded-for': '203.0.113.7' }],
  ])('refuses %s', async (_, headers) => {
    const { inspectorUrl } = await startInstance(stack)
    expect(await statusOf(inspectorUrl, headers)).toBe(403)
  })
})

describe('allow', () => {
  it('is asked for each request, with the context and the request of the app', async () => {
    const asked: unknown[] = []
    const { inspectorUrl } = await startInstance(stack, {
      allow({ ctx, req }) {
        asked.push([ctx, (req as http.IncomingMessage).method])
        return true
      },
    })
    await fetch(inspectorUrl, { headers: { user: 'ada' } })
    await askInspector(inspectorUrl, { type: 'runs' }, { headers: { user: 'ada' } })
    await askInspector(inspectorUrl, { type: 'interrupt' }, { headers: { user: 'eve' } })
    expect(asked).toEqual([
      [{ user: 'ada' }, 'GET'],
      [{ user: 'ada' }, 'POST'],
      [{ user: 'eve' }, 'POST'],
    ])
  })

  it('opens it in production, for those whom it admits', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { inspectorUrl } = await startInstance(stack, {
      allow: ({ ctx }) => (ctx as { user?: string }).user === 'ada',
    })
    const statuses = await Promise.all(
      ['ada', 'eve'].map((user) => fetch(inspectorUrl, { headers: { user } })),
    )
    expect(statuses.map(({ status }) => status)).toEqual([200, 403])
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['returns a truthy value', () => 1],
    ['resolves to a truthy value', () => Promise.resolve('yes')],
    ['returns nothing', () => undefined],
  ])('refuses everything if it %s', async (_, allow) => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { inspectorUrl } = await startInstance(stack, { allow: allow as () => boolean })
    const page = await fetch(inspectorUrl)
    const action = await askInspector(inspectorUrl, { type: 'interrupt' })
    expect([page.status, action.status]).toEqual([403, 403])
    expect(await page.text()).not.toContain('no"')
  })

  it('refuses if createContext throws', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { inspectorUrl } = await startInstance(stack, {
      allow: () => true,
      createContext() {
        throw new Error('no session')
      },
    })
    expect((await fetch(inspectorUrl)).status).toBe(403)
  })

  it('must be a function', async () => {
    await expect(startInstance(stack, { allow: true as never })).rejects.toThrow(
      'must be functions',
    )
  })
})

describe('a request from elsewhere', () => {
  const body = JSON.stringify({ query: { type: 'interrupt' } })

  it.each([
    ['another site', { ...fromPage, 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { ...fromPage, 'sec-fetch-site': 'same-site' }],
    ['another origin', { 'content-type': 'application/json', origin: 'https://evil.example' }],
    ['a page without an origin', { 'content-type': 'application/json', origin: 'null' }],
    ['no browser that says where it is', { 'content-type': 'application/json' }],
  ])('is refused: %s', async (_, headers) => {
    const actions: unknown[] = []
    const { inspectorUrl } = await startInstance(stack, {
      allow: () => true,
      onAction: (about) => actions.push(about),
    })
    expect(await statusOf(inspectorUrl, headers, body)).toBe(403)
    expect(actions).toEqual([])
  })

  it('is refused unless it is JSON, which needs a preflight', async () => {
    const { inspectorUrl } = await startInstance(stack, { allow: () => true })
    const headers = { ...fromPage, 'content-type': 'text/plain' }
    expect(await statusOf(inspectorUrl, headers, body)).toBe(400)
  })

  it('is accepted with the origin of the page, in browsers without Sec-Fetch-Site', async () => {
    const { inspectorUrl, url } = await startInstance(stack, { allow: () => true })
    const headers = { 'content-type': 'application/json', origin: url }
    expect(await statusOf(inspectorUrl, headers, JSON.stringify({ query: { type: 'runs' } }))).toBe(
      200,
    )
  })
})

describe('a body', () => {
  it.each([
    ['is no JSON', '{'],
    ['is no object', '7'],
    ['has no question', '{}'],
    ['has an unknown question', '{"query":{"type":"drop-database"}}'],
    ['has the name of a method', '{"query":{"type":"constructor"}}'],
    ['has an unknown drill', '{"query":{"type":"drill","drill":"explode","stream":1}}'],
    ['has 300,000 characters', JSON.stringify({ query: { type: 'runs' }, x: 'x'.repeat(300_000) })],
    ['has 3,000,000 characters', JSON.stringify({ x: 'x'.repeat(3_000_000) })],
  ])('is refused if it %s', async (_, body) => {
    const { inspectorUrl } = await startInstance(stack, { allow: () => true })
    const response = await fetch(inspectorUrl, { method: 'POST', headers: fromPage, body })
    expect(response.status).toBe(400)
    expect((await response.text()).length).toBeLessThan(500)
  })
})

describe('pages that don’t read their answers', () => {
  it('cost others nothing', async () => {
    const { url, channels, inspectorUrl } = await startInstance(stack)
    await channels.announcements().publishMany(Array.from({ length: 20 }, () => 'x'.repeat(2_000)))
    const body = JSON.stringify({ query: { type: 'find', name: 'announcements' } })
    const head = `POST /~inspector HTTP/1.1\r\nhost: ${new URL(url).host}\r\nsec-fetch-site: same-origin\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const sockets = Array.from({ length: 50 }, () => {
      const socket = net.connect(Number(new URL(url).port), '127.0.0.1').pause()
      stack.defer(() => void socket.destroy())
      return socket
    })
    // One after the other, as at most 16 are answered at the same time.
    for (const socket of sockets) {
      socket.write(head + body)
      const { status } = await askInspector(inspectorUrl, { type: 'runs' })
      expect(status).toBe(200)
    }
  })

  it('are refused if there are too many at the same time', async () => {
    const { inspectorUrl } = await startInstance(stack)
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const { status } = await askInspector(inspectorUrl, { type: 'instances' })
        return status
      }),
    )
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
  })
})

describe('onAction', () => {
  it('is told about each action before it happens, and by whom', async () => {
    const actions: unknown[] = []
    const { inspectorUrl } = await startInstance(stack, {
      allow: () => true,
      onAction: ({ action, ctx }) => actions.push([action, ctx]),
    })
    await askInspector(inspectorUrl, { type: 'streams', filter: '' })
    await askInspector(
      inspectorUrl,
      { type: 'publish', name: 'announcements', event: 'hello' },
      { headers: { user: 'ada' } },
    )
    const action = { type: 'publish', name: 'announcements', event: 'hello' }
    expect(actions).toEqual([[action, { user: 'ada' }]])
  })

  it('may throw', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { inspectorUrl } = await startInstance(stack, {
      onAction() {
        throw new Error('audit is down')
      },
    })
    const query = { type: 'publish', name: 'announcements', event: 'hello' }
    expect((await askInspector(inspectorUrl, query)).status).toBe(200)
  })
})

describe('the answers', () => {
  it('have the streams, their subscriptions and positions', async () => {
    const instance = await startInstance(stack)
    const client = untypedClient(sseLink({ url: instance.url, headers: { user: 'ada' } }))
    const room = follow(client, 'onMessage', { room: 'lobby' })
    await room.next()
    const { id } = await instance.channels
      .chat({ room: 'lobby' })
      .publish({ author: 'ada', text: 'hi', priority: 'low' })
    await room.next()
    const query = { type: 'streams', filter: 'ada' }
    const { body } = await askInspector<Listed<{ stream: number }>>(instance.inspectorUrl, query)
    const [row] = body.rows
    expect(row).toMatchObject({
      key: 'ada',
      paths: ['onMessage'],
      subscriptions: 1,
      isBehind: false,
      lag: 0,
    })
    const details = await askInspector(instance.inspectorUrl, {
      type: 'stream',
      stream: row?.stream,
    })
    expect(details.body).toMatchObject({
      rows: [
        {
          path: 'onMessage',
          position: id,
          readers: [{ log: '["chat",{"room":"lobby"}]', position: id, lag: 0 }],
        },
      ],
    })
    room.unsubscribe()
  })

  it('have a log as the backend has it, whether or not anybody reads it', async () => {
    const { channels, inspectorUrl } = await startInstance(stack)
    const first = await channels.announcements().publish('one')
    const second = await channels.announcements().publish('two')
    const { body } = await askInspector(inspectorUrl, { type: 'find', name: 'announcements' })
    expect(body).toMatchObject({
      log: '["announcements"]',
      kind: 'channel',
      lastEventId: second.id,
      oldestId: first.id,
      events: [
        { id: second.id, prev: first.id, data: '"two"' },
        { id: first.id, data: '"one"' },
      ],
    })
    expect(body).not.toHaveProperty('open')
  })

  it('say with which path an event is invalid', async () => {
    const { inspectorUrl } = await startInstance(stack)
    const event = { author: '', text: 'hi', priority: 'low' }
    const query = { type: 'publish', name: 'chat', params: { room: 'lobby' }, event }
    const { status, body } = await askInspector(inspectorUrl, query)
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: { code: 'INVALID_EVENT', issues: [{ path: 'author' }] } })
  })

  it('have the schema of a channel as JSON Schema', async () => {
    const { inspectorUrl } = await startInstance(stack)
    const { body } = await askInspector(inspectorUrl, { type: 'definitions' })
    expect(body).toMatchObject([
      {
        name: 'chat',
        kind: 'channel',
        hasParams: true,
        event: { type: 'object', properties: { priority: { enum: ['low', 'high'] } } },
      },
      { name: 'announcements', hasParams: false, event: { type: 'string' } },
      { name: 'answer', kind: 'run' },
      { name: 'board', kind: 'state' },
    ])
  })

  it('have the steps of events, which are recorded only while somebody asks', async () => {
    const { channels, inspectorUrl } = await startInstance(stack)
    await channels.announcements().publish('before')
    const { body: none } = await askInspector(inspectorUrl, { type: 'steps', since: 0 })
    const { id } = await channels.announcements().publish('after')
    const { body } = await askInspector(inspectorUrl, { type: 'steps', since: 0 })
    expect(none).toMatchObject({ steps: [] })
    expect(body).toMatchObject({ steps: [{ step: 'stored', id, log: '["announcements"]' }] })
  })

  it('have runs with their status, presence rooms and members', async () => {
    const { url, channels, inspectorUrl } = await startInstance(stack)
    const client = untypedClient(sseLink({ url }))
    const answer = follow(client, 'onAnswer', { room: 'q' })
    const member = follow(client, 'onMember', { room: 'lobby' })
    await channels.answer({ room: 'q' }).produce(words())
    await Promise.all([answer.next(), member.nextMany(2)])
    const { body } = await askInspector(inspectorUrl, { type: 'runs' })
    const presence = '~presence["chat",{"room":"lobby"}]'
    expect(body).toMatchObject({
      runs: { rows: [{ log: '["answer",{"room":"q"}]', status: 'completed' }] },
      rooms: { rows: [{ log: presence, members: 1, readers: 1 }] },
    })
    const room = await askInspector(inspectorUrl, { type: 'log', log: presence })
    expect(room.body).toMatchObject({ entries: [['user-lobby', '{"at":"desk"}']] })
    member.unsubscribe()
  })

  it('have no log that the app has not defined', async () => {
    const { inspectorUrl } = await startInstance(stack)
    for (const log of ['["~orders"]', '~instances', '["other"]', 'x', '["__proto__"]'])
      expect((await askInspector(inspectorUrl, { type: 'log', log })).status).toBe(400)
  })
})

/** Sends a request with any headers, and resolves to its status. */
function statusOf(url: string, headers: Record<string, string>, body?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: body === undefined ? 'GET' : 'POST', headers })
    request.on('error', reject)
    request.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    request.end(body)
  })
}

async function* words(): AsyncGenerator<string> {
  yield 'one'
  yield 'two'
}
