import { redisBackend } from '@trpc-sse/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type InspectedInstance, startInstance, subscribe } from './app.ts'
import { askInspector, type Listed, type ListedInstance, untilInstances } from './ask.ts'

let stack: AsyncDisposableStack
let redis: RedisServer
let one: InspectedInstance
let two: InspectedInstance

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  redis = stack.use(await startRedis())
  one = await start('one')
  two = await start('two')
})
afterEach(() => stack.disposeAsync())

function start(name: string, allow?: () => boolean): Promise<InspectedInstance> {
  const backend = redisBackend({ url: redis.url }, { onError() {} })
  return startInstance(stack, { name, backend, ...(allow && { allow }) })
}

/** Waits until the first instance lists so many, and returns their rows by name. */
async function untilListed(count: number): Promise<Map<string, ListedInstance>> {
  const rows = await untilInstances(one.inspectorUrl, ({ length }) => length === count)
  return new Map(rows.map((row) => [row.name, row]))
}

async function idOf(name: string): Promise<string> {
  return String((await untilListed(2)).get(name)?.id)
}

describe('one instance', () => {
  it('lists all instances of the backend, with counts and checks', async () => {
    await subscribe(stack, two, 'ada')
    const rows = await untilListed(2)
    expect(rows.get('one')).toMatchObject({ isThis: true, summary: { streams: 0 } })
    expect(rows.get('two')).toMatchObject({
      isThis: false,
      silentMs: 0,
      summary: {
        streams: 1,
        subscriptions: 1,
        behind: 0,
        storage: { state: 'ok' },
        notifications: { state: 'ok' },
      },
    })
  })

  it('answers for another one: a load balancer may send the page anywhere', async () => {
    await subscribe(stack, two, 'ada')
    const instance = await idOf('two')
    const query = { type: 'streams', filter: '' }
    const there = await askInspector(one.inspectorUrl, query, { instance })
    const here = await askInspector(one.inspectorUrl, query)
    expect(there.body).toMatchObject({ total: 1, rows: [{ key: 'ada' }] })
    expect(here.body).toMatchObject({ total: 0 })
  })

  it('cuts a stream of another one, and its client resumes without a loss', async () => {
    const room = await subscribe(stack, two, 'ada')
    const instance = await idOf('two')
    const streams = await askInspector<Listed<{ stream: number }>>(
      one.inspectorUrl,
      { type: 'streams', filter: '' },
      { instance },
    )
    const { stream } = streams.body.rows[0] ?? { stream: 0 }
    const drill = { type: 'drill', drill: 'cut', stream }
    expect((await askInspector(one.inspectorUrl, drill, { instance })).status).toBe(200)
    const event = { author: 'ada', text: 'after the cut', priority: 'low' } as const
    await one.channels.chat({ room: 'lobby' }).publish(event)
    const news = [await room.next()]
    while (news.at(-1)?.[0] !== 'data') news.push(await room.next())
    expect(news.at(-1)?.[1]).toMatchObject({ data: event })
    expect(news.map(([name]) => name)).not.toContain('gap')
  })

  it('drops the connection for notifications of another one, which then misses nothing', async () => {
    const room = await subscribe(stack, two, 'ada')
    const instance = await idOf('two')
    const { body } = await askInspector(one.inspectorUrl, { type: 'interrupt' }, { instance })
    expect(body).toMatchObject({ message: expect.stringContaining('was dropped') })
    const chat = one.channels.chat({ room: 'lobby' })
    for (let n = 0; n < 20; n++) await chat.publish({ author: 'a', text: `${n}`, priority: 'low' })
    const texts: string[] = []
    while (texts.length < 20) {
      const [name, detail] = await room.next()
      expect(name).not.toBe('gap')
      if (name === 'data') texts.push((detail as { data: { text: string } }).data.text)
    }
    expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`))
  })

  it('says that an instance does not answer', async () => {
    const instance = 'inspector-000000'
    const { body } = await askInspector(one.inspectorUrl, { type: 'runs' }, { instance })
    expect(body).toMatchObject({ error: { code: 'BACKEND_UNAVAILABLE' } })
  })

  it('lists an instance that has ended as silent', async () => {
    await untilListed(2)
    await two.channels.close()
    const rows = await untilInstances(one.inspectorUrl, (all) =>
      all.some(({ silentMs }) => silentMs > 0),
    )
    expect(rows).toMatchObject([{ name: 'one', silentMs: 0 }, { name: 'two' }])
  })

  it('shows that a frozen Redis answers neither reads nor notices', async () => {
    await untilListed(2)
    redis.freeze()
    try {
      const rows = await untilInstances(one.inspectorUrl, (all) =>
        all.some(({ isThis, summary }) => isThis && summary.storage.state === 'failed'),
      )
      expect(rows.find(({ isThis }) => isThis)).toMatchObject({
        summary: { notifications: { state: 'failed' } },
      })
    } finally {
      redis.thaw()
    }
  })
})

it('an instance whose inspector refuses its users still answers the ones of others', async () => {
  await start('three', () => false)
  expect([...(await untilListed(3)).keys()].sort()).toEqual(['one', 'three', 'two'])
})
