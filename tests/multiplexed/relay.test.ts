import { randomBytes } from 'node:crypto'
import { createTRPCClient } from '@trpc/client'
import { sseLink } from '@trpc-sse/client'
import { redisBackend } from '@trpc-sse/redis'
import { describe, expect, it, vi } from 'vitest'
import { ask, openRaw } from '../support/http.ts'
import { createInbox } from '../support/inbox.ts'
import { startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'
import { createRouter, logChannels } from './router.ts'

/** An instance over a Redis. */
async function startInstance(url: string) {
  const channels = logChannels(url)
  const server = await serveRouter(createRouter(channels), { channels })
  return Object.assign(server, { channels })
}

const control = (url: string, connectionId: string) =>
  ask(`${url}/~sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ version: 1, revision: 2, connectionId, subscriptions: {} }),
  })

/**
 * Returns the number of commands that Redis has run, except INFO and the pings that connections
 * send from time to time.
 */
async function commandsOf({ admin }: Awaited<ReturnType<typeof startRedis>>): Promise<number> {
  const calls = (await admin.info('commandstats')).matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)
  const counted = [...calls].filter(([, name = '']) => !['info', 'ping'].includes(name))
  return counted.reduce((sum, [, , count]) => sum + Number(count), 0)
}

describe('control over Redis', () => {
  it('for unknown connections costs one command each, at once, and leaves nothing behind', async () => {
    await using redis = await startRedis()
    await using instance = await startInstance(redis.url)
    const ids = Array.from(
      { length: 800 },
      () => `${randomBytes(8).toString('hex')}.${randomBytes(16).toString('hex')}`,
    )
    // From now on, it listens.
    await control(instance.url, ids.pop() ?? '')
    const before = await commandsOf(redis)
    const answers = await Promise.all(ids.map((id) => control(instance.url, id)))
    expect((await commandsOf(redis)) - before).toBeLessThanOrEqual(ids.length)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]))
    expect(await redis.admin.dbsize()).toBe(0)
    await instance.channels.close()
  })

  it('always reaches the other instance: 100 changes, and the stream is never reopened', async () => {
    await using redis = await startRedis()
    await using holder = await startInstance(redis.url)
    await using other = await startInstance(redis.url)
    // Streams go to one instance, and control requests to the other.
    const client = createTRPCClient<ReturnType<typeof createRouter>>({
      links: [
        sseLink({
          url: holder.url,
          lingerMs: 1,
          fetch: (url, init) =>
            fetch(
              String(init.body).includes('"connectionId"')
                ? url.replace(holder.url, other.url)
                : url,
              init,
            ),
        }),
      ],
    })
    const started = createInbox<number>()
    client.onNumber.subscribe({ name: 'first' }, { onStarted: () => started.put(0) })
    await started.take()
    const subscriptions = []
    for (let n = 1; n <= 50; n++) {
      subscriptions.push(
        client.onNumber.subscribe({ name: `${n}` }, { onStarted: () => started.put(n) }),
      )
      expect(await started.take()).toBe(n)
    }
    expect(holder.link.stats()).toMatchObject({ connections: 1, subscriptions: 51 })
    expect(other.link.stats()).toMatchObject({ connections: 0, subscriptions: 0 })
    for (const subscription of subscriptions) subscription.unsubscribe()
    await expect.poll(() => holder.link.stats()).toMatchObject({ connections: 1, subscriptions: 1 })
    expect(started.items).toHaveLength(51)
    await Promise.all([holder.channels.close(), other.channels.close()])
  })

  it.each([
    ['null', null],
    ['a list', []],
    ['no revision', { subscriptions: {} }],
    ['no subscriptions', { version: 1, revision: 9, subscriptions: null }],
    ['a subscription that is nothing', { version: 1, revision: 9, subscriptions: { a: null } }],
    ['a path that is no text', { version: 1, revision: 9, subscriptions: { a: { path: 5 } } }],
    [
      'an id that is no text',
      { version: 1, revision: 9, subscriptions: { a: { path: 'onNumber', lastEventId: {} } } },
    ],
    [
      'a key with a line break',
      { version: 1, revision: 9, subscriptions: { 'a\nid: 5': { path: 'onNumber' } } },
    ],
  ])('that another program wrote into Redis changes nothing: %s', async (_, set) => {
    await using redis = await startRedis()
    await using instance = await startInstance(redis.url)
    const stranger = redisBackend({ url: redis.url })
    using stream = await openRaw(`${instance.url}/~sse`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: 1, revision: 1, subscriptions: {} }),
    })
    const { connectionId } = JSON.parse((await stream.next()).data)
    const log = logOf(connectionId.split('.', 1)[0])
    const send = (body: unknown) =>
      vi.waitUntil(() =>
        stranger.notify?.(log, JSON.stringify({ id: 'x', from: 'stranger', body })),
      )
    await send({ connectionId, owner: 'nobody', set })
    const subscriptions = { good: { path: 'onNumber', input: { name: 'good' } } }
    await send({ connectionId, owner: 'nobody', set: { version: 1, revision: 2, subscriptions } })
    expect((await stream.next()).data).toContain('good')
    expect(instance.link.stats()).toMatchObject({ connections: 1, subscriptions: 1 })
    await Promise.all([instance.channels.close(), stranger.close()])
  })

  it.each([
    ['x'],
    [{}],
    [{ type: 'weird' }],
    [{ type: 'busy', retryAfterMs: 'soon' }],
    [{ type: 'applied' }],
  ])('ignores %j as an answer', async (given) => {
    await using redis = await startRedis()
    await using instance = await startInstance(redis.url)
    const stranger = redisBackend({ url: redis.url })
    const name = 'ab'.repeat(8)
    await stranger.listen(logOf(name), {
      onEvent() {},
      onInterrupted() {},
      onNotice(text) {
        const { id, from } = JSON.parse(text)
        void stranger.notify?.(logOf(from), JSON.stringify({ id, body: given }))
      },
    })
    expect((await control(instance.url, `${name}.${'0'.repeat(32)}`)).status).toBe(404)
    await Promise.all([instance.channels.close(), stranger.close()])
  })
})

/** The log on which an instance receives the requests of others. */
const logOf = (instance: string | undefined) => ({
  key: JSON.stringify(['~control', instance]),
  retain: { events: 1, forMs: 10_000 },
})
