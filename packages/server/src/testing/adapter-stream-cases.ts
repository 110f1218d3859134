import assert from 'node:assert/strict'
import { type AdapterCase, adapterCase, type ServedApp } from './adapter-case.ts'
import type { CaseAnswer } from './case-client.ts'
import { eventually } from './case-tools.ts'

/** Returns the path and query of a subscription in single mode. */
export function single(
  path: string,
  input?: unknown,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(more)
  if (input !== undefined) query.set('input', JSON.stringify(input))
  return `${path}?${query}`
}

/** Opens a stream in multiplexed mode with these subscriptions, by key. */
export function openMultiplexed(
  { post }: Pick<ServedApp, 'post'>,
  subscriptions: Readonly<Record<string, { path: string; input?: unknown; lastEventId?: string }>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<CaseAnswer> {
  return post('~sse', { version: 1, revision: 1, subscriptions }, headers)
}

/** Waits for the next message with this event name. */
export async function nextNamed(
  answer: CaseAnswer,
  event: string,
): Promise<{ data: string; id: string | undefined }> {
  for (;;) {
    const message = await answer.next()
    if (message.event === event) return message
  }
}

const words = (topic: string): { path: string; input: { topic: string } } => ({
  path: 'nested.onWord',
  input: { topic },
})

const say = ({ post }: ServedApp, topic: string, word: string): Promise<string> =>
  post('say', { topic, word }).then((answer) => answer.text())

/** Cases of streams, in both modes. */
export const adapterStreamCases: readonly AdapterCase[] = [
  adapterCase(
    'head',
    'starts a stream with headers that forbid caching and transformation by proxies',
    async (served) => {
      const streams = [
        await served.get(single('nested.onWord', { topic: 'a' })),
        await openMultiplexed(served, { a: words('a') }),
      ]
      for (const { status, headers } of streams) {
        assert.equal(status, 200)
        assert.equal(headers['content-type'], 'text/event-stream')
        assert.match(headers['cache-control'] ?? '', /no-cache/)
        assert.match(headers['cache-control'] ?? '', /no-transform/)
        assert.equal(headers['content-length'], undefined)
        assert.equal(headers['content-encoding'], undefined)
      }
    },
  ),
  adapterCase('path', 'accepts ~sse as proxies may encode it', async (served) => {
    const set = { version: 1, revision: 1, subscriptions: { a: { path: 'onWhoami' } } }
    for (const path of ['%7Esse', '%7esse', '~%73se', '%7E%73%73%65']) {
      const stream = await served.post(path, set, { 'x-user': 'ann' })
      assert.equal((await nextNamed(stream, 'a')).data, '"ann"')
      stream.leave()
    }
  }),
  adapterCase('nginx', 'asks nginx not to buffer streams', async (served) => {
    const streams = [await served.get(single('onWhoami')), await openMultiplexed(served, {})]
    for (const { headers } of streams) assert.equal(headers['x-accel-buffering'], 'no')
  }),
  adapterCase(
    'head',
    'sets no header that HTTP/2 forbids, and leaves the connection to the server',
    async (served) => {
      // Over HTTP/1.1, the server itself responds `connection: close`. A header set by the stream
      // would be different.
      const isHttp1 = (await served.get('whoami')).isHttp1
      const ask = isHttp1 ? { connection: 'close' } : undefined
      const { headers } = await served.get(single('nested.onWord', { topic: 'a' }), ask)
      for (const name of ['keep-alive', 'proxy-connection', 'upgrade'])
        assert.equal(headers[name], undefined)
      assert.notEqual(headers.connection, 'keep-alive')
      if (isHttp1) return
      for (const name of ['connection', 'transfer-encoding']) assert.equal(headers[name], undefined)
    },
  ),
  adapterCase(
    'flush',
    'sends the head and each event immediately, while the stream is open',
    async (served) => {
      const stream = await served.get(single('nested.onWord', { topic: 'a' }))
      assert.equal((await stream.next()).event, 'connected')
      for (const word of ['one', 'two', 'three']) {
        await say(served, 'a', word)
        assert.deepEqual((await nextNamed(stream, 'message')).data, JSON.stringify(word))
      }
    },
  ),
  adapterCase('flush', 'sends the head of a stream without events', async (served) => {
    const stream = await served.get(single('onNothing', 'a'))
    assert.equal((await stream.next()).event, 'connected')
  }),
  adapterCase('large', 'sends large events whole and in order', async (served) => {
    const stream = await served.get(single('onLarge', 50))
    for (let n = 0; n < 50; n++) {
      const { data } = await nextNamed(stream, 'message')
      assert.equal(data, JSON.stringify(`${n} `.padEnd(100_000, 'x')))
    }
    await nextNamed(stream, 'return')
  }),
  adapterCase('leave', 'ends the generator of a client that leaves', async (served) => {
    const streams = [
      await served.get(single('onNothing', 'single')),
      await openMultiplexed(served, { a: { path: 'onNothing', input: 'multiplexed' } }),
    ]
    for (const stream of streams) await stream.next()
    for (const stream of streams) stream.leave()
    await eventually(
      () => served.diary(),
      (entries) => entries.includes('left single') && entries.includes('left multiplexed'),
    )
  }),
  adapterCase(
    'resume',
    'resumes from the last event id, in a header or in the query',
    async (served) => {
      const stream = await served.get(single('nested.onWord', { topic: 'a' }))
      await stream.next()
      await say(served, 'a', 'one')
      const { id = '' } = await nextNamed(stream, 'message')
      stream.leave()
      await say(served, 'a', 'two')
      const resumed = [
        await served.get(single('nested.onWord', { topic: 'a' }), { 'last-event-id': id }),
        await served.get(single('nested.onWord', { topic: 'a' }, { lastEventId: id })),
      ]
      for (const each of resumed) assert.equal((await nextNamed(each, 'message')).data, '"two"')
      const multiplexed = await openMultiplexed(served, { a: { ...words('a'), lastEventId: id } })
      assert.equal((await nextNamed(multiplexed, 'a')).data, '"two"')
    },
  ),
  adapterCase('control', 'changes the set of an open stream by a request', async (served) => {
    const stream = await openMultiplexed(served, { a: words('a') })
    const { connectionId } = JSON.parse((await nextNamed(stream, '$connected')).data)
    await nextNamed(stream, '$started')
    const subscriptions = { b: words('b') }
    const control = await served.post('~sse', {
      version: 1,
      revision: 2,
      subscriptions,
      connectionId,
    })
    assert.equal(control.status, 200)
    assert.deepEqual(await control.json(), { revision: 2 })
    assert.match((await nextNamed(stream, '$started')).data, /b/)
    await say(served, 'a', 'not any more')
    await say(served, 'b', 'now')
    const { event, data } = await stream.next()
    assert.deepEqual([event, data], ['b', '"now"'])
  }),
  adapterCase(
    'control',
    'answers 404 for a stream that has ended or belongs to another user',
    async (served) => {
      const stream = await openMultiplexed(served, { a: words('a') }, { 'x-user': 'ann' })
      const { connectionId } = JSON.parse((await nextNamed(stream, '$connected')).data)
      const set = { version: 1, revision: 2, subscriptions: {}, connectionId }
      assert.equal((await served.post('~sse', set, { 'x-user': 'bob' })).status, 404)
      assert.equal((await served.post('~sse', { ...set, connectionId: 'no-such-one' })).status, 404)
      assert.equal((await served.post('~sse', set, { 'x-user': 'ann' })).status, 200)
    },
  ),
  adapterCase(
    'drain',
    'asks clients to reconnect when it drains, refuses new streams, and still answers calls',
    async (served) => {
      const stream = await served.get(single('nested.onWord', { topic: 'a' }))
      const multiplexed = await openMultiplexed(served, { a: words('a') })
      for (const each of [stream, multiplexed]) await each.next()
      const drained = served.drain()
      await nextNamed(stream, 'reconnect')
      await nextNamed(multiplexed, '$reconnect')
      const refused = await openMultiplexed(served, { a: words('a') })
      assert.equal(refused.status, 503)
      assert.match(refused.headers['retry-after']?.toString() ?? '', /^\d+$/)
      assert.equal((await served.get('whoami')).status, 200)
      for (const each of [stream, multiplexed]) each.leave()
      await drained
    },
  ),
]
