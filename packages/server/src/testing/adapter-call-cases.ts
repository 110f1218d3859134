import assert from 'node:assert/strict'
import { appCookies } from './adapter-app.ts'
import { type AdapterCase, adapterCase, corsOrigin, type ServedApp } from './adapter-case.ts'
import { nextNamed, openMultiplexed, single } from './adapter-stream-cases.ts'
import type { CaseAnswer } from './case-client.ts'

interface Failure {
  readonly error: { readonly message: string; readonly data: { readonly code: string } }
}

const codeOf = async (answer: CaseAnswer): Promise<string> =>
  (await answer.json<Failure>()).error.data.code

/**
 * Returns one answer of each kind: of a query, a stream in each mode, a mutation, and two errors.
 */
async function answersOfAllKinds(
  served: ServedApp,
  headers: Readonly<Record<string, string>>,
): Promise<readonly CaseAnswer[]> {
  return [
    await served.get('whoami', headers),
    await served.get(single('onWhoami'), headers),
    await openMultiplexed(served, { a: { path: 'onWhoami' } }, headers),
    await served.post('say', { topic: 'a', word: 'b' }, headers),
    await served.get('unknown', headers),
    await served.post('~sse', 'malformed', headers),
  ]
}

/** Cases of queries, mutations and errors on the same mount, and of middleware in front. */
export const adapterCallCases: readonly AdapterCase[] = [
  adapterCase('calls', 'answers queries, mutations and batches as tRPC does', async (served) => {
    const query = await served.get('whoami', { 'x-user': 'ann' })
    assert.deepEqual([query.status, await query.json()], [200, { result: { data: 'ann' } }])
    const mutation = await served.post('say', { topic: 'a', word: 'hi' }, { 'x-user': 'ann' })
    assert.deepEqual(
      [mutation.status, await mutation.json()],
      [200, { result: { data: 'ann said hi' } }],
    )
    const batch = await served.get('whoami,unknown?batch=1&input=%7B%7D')
    assert.equal(batch.status, 207)
    const [first, second] = await batch.json<[object, Failure]>()
    assert.deepEqual(first, { result: { data: 'nobody' } })
    assert.equal(second.error.data.code, 'NOT_FOUND')
    const mutations = { 0: { topic: 'a', word: 'x' }, 1: { topic: 'a', word: 'y' } }
    const batched = await served.post('say,say?batch=1', mutations)
    const results = await batched.json<readonly { result: { data: string } }[]>()
    assert.deepEqual(
      results.map(({ result }) => result.data),
      ['nobody said x', 'nobody said y'],
    )
  }),
  adapterCase('calls', 'streams a batch for httpBatchStreamLink', async (served) => {
    const answer = await served.get('whoami,whoami?batch=1&input=%7B%7D', {
      'trpc-accept': 'application/jsonl',
    })
    assert.equal(answer.status, 200)
    assert.match(await answer.text(), /nobody.*nobody/s)
  }),
  adapterCase('calls', 'answers HEAD with no body, and no stream', async (served) => {
    for (const path of ['whoami', single('nested.onWord', { topic: 'a' })]) {
      const answer = await served.send(path, { method: 'HEAD' })
      assert.deepEqual([answer.status, await answer.text()], [204, ''])
    }
  }),
  adapterCase(
    'context',
    'gives createContext the headers and connection params of streams',
    async (served) => {
      const params = { connectionParams: JSON.stringify({ user: 'bob' }) }
      const answers = [
        [await served.get(single('onWhoami'), { 'x-user': 'ann' }), 'message', '"ann"'],
        [await served.get(single('onWhoami', undefined, params)), 'message', '"bob"'],
        [
          await openMultiplexed(served, { a: { path: 'onWhoami' } }, { 'x-user': 'ann' }),
          'a',
          '"ann"',
        ],
      ] as const
      for (const [answer, event, data] of answers)
        assert.equal((await nextNamed(answer, event)).data, data)
    },
  ),
  adapterCase(
    'cookies',
    'sets the cookies of createContext and responseMeta on every answer, including errors',
    async (served) => {
      const [context, meta] = appCookies
      const answers = await answersOfAllKinds(served, { 'x-cookie': '1' })
      assert.deepEqual(
        answers.map(({ status, headers }) => [
          status,
          ...(headers['set-cookie']?.toSorted() ?? []),
        ]),
        [
          [200, context, meta],
          [200, context, meta],
          [200, context, meta],
          [200, context, meta],
          [404, context, meta],
          // A malformed set is refused before the context is created.
          [400, meta],
        ],
      )
    },
  ),
  adapterCase(
    'keep-alive',
    'reuses the socket for the next request after a stream',
    async (served) => {
      const stream = await served.get(single('onWhoami'))
      assert.match(await stream.text(), /event: return/)
      const query = await served.get('whoami')
      assert.match(await query.text(), /nobody/)
      assert.equal(query.socket, stream.socket)
      const again = await served.get(single('onWhoami'))
      assert.match(await again.text(), /data: "nobody"/)
      assert.equal(again.socket, stream.socket)
    },
  ),
  adapterCase('errors', 'answers an error before the first byte as tRPC does', async (served) => {
    const stranger = { 'x-stranger': '1' }
    // With another status, an EventSource would never reconnect.
    const subscription = await served.get(single('onWhoami'), stranger)
    assert.equal(subscription.status, 200)
    const { data } = await nextNamed(subscription, 'serialized-error')
    assert.deepEqual(JSON.parse(data).data.code, 'UNAUTHORIZED')
    const multiplexed = await openMultiplexed(served, { a: { path: 'onWhoami' } }, stranger)
    assert.deepEqual([multiplexed.status, await codeOf(multiplexed)], [401, 'UNAUTHORIZED'])
    const query = await served.get('whoami', stranger)
    assert.deepEqual([query.status, await codeOf(query)], [401, 'UNAUTHORIZED'])
    const told = ['UNAUTHORIZED at onWhoami', 'UNAUTHORIZED at onWhoami', 'UNAUTHORIZED at whoami']
    assert.deepEqual(await served.diary(), told)
  }),
  adapterCase('errors', 'sends the error of a procedure on the stream', async (served) => {
    const subscription = await served.get(single('onForbidden'))
    assert.match((await nextNamed(subscription, 'serialized-error')).data, /Not for you\./)
    const multiplexed = await openMultiplexed(served, { a: { path: 'onForbidden' } })
    assert.equal(multiplexed.status, 200)
    assert.match((await nextNamed(multiplexed, '$error')).data, /Not for you\./)
    assert.deepEqual(await served.diary(), ['FORBIDDEN at onForbidden', 'FORBIDDEN at onForbidden'])
  }),
  adapterCase('errors', 'answers unknown paths and malformed requests with 4xx', async (served) => {
    const unknown = await served.get('unknown')
    assert.deepEqual([unknown.status, await codeOf(unknown)], [404, 'NOT_FOUND'])
    assert.equal((await served.get('')).status, 404)
    assert.ok((await served.get('%E0%A4%A')).status >= 400)
    const input = await served.post('say', 1)
    assert.deepEqual([input.status, await codeOf(input)], [400, 'BAD_REQUEST'])
    const set = await served.post('~sse', { version: 1 })
    assert.deepEqual([set.status, await codeOf(set)], [400, 'BAD_REQUEST'])
    const asForm = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' }
    assert.equal((await served.send('~sse', asForm)).status, 415)
    const badJson = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"' }
    for (const path of ['say', '~sse']) assert.equal((await served.send(path, badJson)).status, 400)
  }),
  adapterCase(
    'CORS',
    'keeps the headers of the CORS middleware, on streams, calls and errors',
    async (served) => {
      const asked = {
        origin: corsOrigin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      }
      const preflight = await served.send('~sse', { method: 'OPTIONS', headers: asked })
      assert.ok(preflight.status === 200 || preflight.status === 204, `${preflight.status}`)
      assert.match(preflight.headers['access-control-allow-headers'] ?? '', /content-type/i)
      const answers = await answersOfAllKinds(served, { origin: corsOrigin })
      for (const { headers } of [preflight, ...answers]) {
        assert.equal(headers['access-control-allow-origin'], corsOrigin)
        assert.equal(headers['access-control-allow-credentials'], 'true')
      }
      for (const { headers } of answers) assert.match(headers.vary ?? '', /origin/i)
    },
    'cors',
  ),
  adapterCase(
    'compression',
    'sends events immediately and uncompressed behind compression middleware',
    async (served) => {
      const headers = { 'accept-encoding': 'gzip' }
      // A compressed answer shows that the middleware is active.
      const large = await served.get('repeat?input=1000', headers)
      assert.equal(large.headers['content-encoding'], 'gzip')
      const streams = [
        {
          stream: await served.get(single('nested.onWord', { topic: 'a' }), headers),
          event: 'message',
        },
        {
          stream: await openMultiplexed(
            served,
            { a: { path: 'nested.onWord', input: { topic: 'a' } } },
            headers,
          ),
          event: 'a',
        },
      ]
      for (const { stream } of streams) {
        assert.equal(stream.headers['content-encoding'], undefined)
        await stream.next()
      }
      for (const word of ['one', 'two']) {
        await served.post('say', { topic: 'a', word })
        for (const { stream, event } of streams) {
          assert.equal((await nextNamed(stream, event)).data, JSON.stringify(word))
        }
      }
    },
    'compression',
  ),
  adapterCase(
    'parsed body',
    'accepts a body that middleware has parsed',
    async (served) => {
      const mutation = await served.post('say', { topic: 'a', word: 'hi' })
      assert.deepEqual(await mutation.json(), { result: { data: 'nobody said hi' } })
      const stream = await openMultiplexed(served, { a: { path: 'onWhoami' } })
      const { connectionId } = JSON.parse((await nextNamed(stream, '$connected')).data)
      await nextNamed(stream, 'a')
      const set = { version: 1, revision: 2, subscriptions: {}, connectionId }
      assert.deepEqual(await (await served.post('~sse', set)).json(), { revision: 2 })
      // Without a body, some parsers set an empty object.
      const query = await served.get(single('onWhoami'))
      assert.equal((await nextNamed(query, 'message')).data, '"nobody"')
    },
    'parsedBody',
  ),
]
