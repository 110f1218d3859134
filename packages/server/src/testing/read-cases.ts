import assert from 'node:assert/strict'
import type { EventId } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, StoredEvent } from '../backend/backend.ts'
import { type BackendCase, withBackends } from './backend-case.ts'
import {
  dataOf,
  defined,
  idsOf,
  one,
  payloads,
  plenty,
  readAll,
  withLog,
  withTwo,
} from './case-tools.ts'

/** The cases of `Backend.read`. */
export const readCases: readonly BackendCase[] = [
  {
    id: 'B8',
    name: 'reads the oldest events after an id, page by page',
    needs: [],
    run: withLog(async (backend, log) => {
      const { ids } = await backend.append(log, payloads(25))
      const pages: StoredEvent[][] = []
      let after = '0-0'
      for (;;) {
        const { events, lastEventId } = await backend.read(log, { after, limit: 10 })
        assert.equal(lastEventId, ids.at(-1))
        if (events.length === 0) break
        pages.push([...events])
        after = defined(events.at(-1)).id
      }
      assert.deepEqual(
        pages.map((page) => page.length),
        [10, 10, 5],
      )
      assert.deepEqual(idsOf(pages.flat()), ids)
      for (const [i, id] of ids.entries()) {
        assert.deepEqual(
          idsOf((await backend.read(log, { after: id, limit: 2 })).events),
          ids.slice(i + 1, i + 3),
        )
      }
    }),
  },
  {
    id: 'B8',
    name: 'reads nothing after an id that is greater than every id of the log',
    needs: [],
    run: withLog(async (backend, log) => {
      const last = (await backend.append(log, payloads(3))).ids.at(-1)
      const greater = [
        '9999999999999-0',
        '18446744073709551615-18446744073709551615',
        `${'9'.repeat(20)}-0`,
      ]
      for (const after of [defined(last), ...greater]) {
        assert.deepEqual(await backend.read(log, { after, limit: 10 }), {
          events: [],
          lastEventId: last,
        })
      }
    }),
  },
  {
    id: 'B9',
    name: 'reads the oldest of the newest events',
    needs: [],
    run: withLog(async (backend, log) => {
      const { ids } = await backend.append(log, payloads(10))
      const read = async (last: number, limit: number) =>
        idsOf((await backend.read(log, { last, limit })).events)
      assert.deepEqual(await read(4, 10), ids.slice(-4))
      assert.deepEqual(await read(4, 3), ids.slice(-4, -1))
      assert.deepEqual(await read(100, 100), ids)
      assert.deepEqual(await read(100, 3), ids.slice(0, 3))
      assert.deepEqual(await read(0, 10), [])
    }),
  },
  {
    id: 'B11',
    name: 'reads events and the last id atomically',
    needs: [],
    run: withTwo(async (writer, reader, log) => {
      await writer.append(log, payloads(1))
      const writing = Promise.all(payloads(100).map((data) => writer.append(log, [data])))
      const pages = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          i % 2 ? readAll(reader, log) : reader.read(log, { last: 1_000, limit: 1_000 }),
        ),
      )
      for (const { events, lastEventId } of pages) assert.equal(events.at(-1)?.id, lastEventId)
      await writing
    }),
  },
  {
    id: 'B13',
    name: 'uses no id again after the log has lost its data',
    needs: ['loseEverything'],
    async run(context) {
      for (const readsFirst of [true, false]) {
        const log: ChannelLog = { key: context.uniqueKey(), retain: plenty }
        const known = new Set<string>()
        for (let life = 0; life < 5; life++) {
          await withBackends(context, 1, async ([backend]) => {
            const given = await liveOnce(defined(backend), log, readsFirst)
            for (const id of given) assert.ok(!known.has(id), `${id} is new`)
            for (const id of given) known.add(id)
          })
          await context.loseEverything?.()
        }
      }
    },
  },
  {
    id: 'B14',
    name: 'gives a log without events an id to resume from',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const { events, lastEventId: origin } = await first.read(log, { last: 10, limit: 10 })
      assert.deepEqual(events, [])
      assert.equal((await readAll(second, log)).lastEventId, origin)
      assert.deepEqual(await first.read(log, { after: origin, limit: 9 }), {
        events: [],
        lastEventId: origin,
      })
      const [id] = (await second.append(log, ['"first"'])).ids
      const stored = { id, prev: origin, data: '"first"' }
      assert.deepEqual((await first.read(log, { after: origin, limit: 9 })).events, [stored])
    }),
  },
  {
    id: 'B20',
    name: 'ends a page before it exceeds maxBytes',
    needs: [],
    run: withLog(async (backend, log) => {
      // Two bytes each in UTF-8, one in UTF-16.
      const data = [100, 100, 100, 500, 10, 10].map((bytes) =>
        JSON.stringify('é'.repeat(bytes / 2 - 1)),
      )
      const { ids } = await backend.append(log, data)
      const read = async (after: EventId, maxBytes: number): Promise<number> =>
        (await backend.read(log, { after, limit: 10, maxBytes })).events.length
      assert.equal(await read('0-0', 199), 1)
      assert.equal(await read('0-0', 200), 2)
      assert.equal(await read('0-0', 799), 3)
      assert.equal(await read('0-0', 820), 6)
      assert.equal(await read(defined(ids[2]), 0), 1, 'one event whatever its size')
      assert.equal(await read(defined(ids[5]), 0), 0)
      const newest = await backend.read(log, { last: 4, limit: 10, maxBytes: 600 })
      assert.deepEqual(idsOf(newest.events), ids.slice(2, 4))
      assert.equal(newest.lastEventId, ids[5])
    }),
  },
  {
    id: 'B20',
    name: 'reads a whole log in pages that are limited by events and by bytes',
    needs: [],
    run: withLog(async (backend, log) => {
      const data = Array.from({ length: 300 }, (_, i) =>
        JSON.stringify('x'.repeat((i * 7_919) % 2_000)),
      )
      const { ids } = await backend.append(log, data)
      const seen: EventId[] = []
      for (let after = '0-0'; ; ) {
        const { events, lastEventId } = await backend.read(log, {
          after,
          limit: 20,
          maxBytes: 5_000,
        })
        assert.ok(events.length <= 20)
        assert.ok(dataOf(events).join('').length <= 5_000)
        seen.push(...idsOf(events))
        after = defined(events.at(-1)).id
        if (after === lastEventId) break
      }
      assert.deepEqual(seen, ids)
    }),
  },
  {
    id: 'B9',
    name: 'finds the newest events of a long log, wherever they start',
    needs: [],
    run: withLog(async (backend, log) => {
      const ids: EventId[] = []
      for (let i = 0; i < 20; i++)
        ids.push(...(await backend.append(log, payloads(1 + 37 * (i % 4)))).ids)
      for (const last of [1, 2, 3, 50, 100, 101, ids.length - 1, ids.length, ids.length + 1]) {
        const page = await backend.read(log, { last, limit: 5 })
        assert.deepEqual(idsOf(page.events), ids.slice(-last).slice(0, 5), `the newest ${last}`)
      }
    }),
  },
]

/** Uses an empty log. Returns all ids of it that a reader may have. */
async function liveOnce(
  backend: Backend,
  log: ChannelLog,
  readsFirst: boolean,
): Promise<readonly EventId[]> {
  const origin = readsFirst ? [(await readAll(backend, log)).lastEventId] : []
  await backend.append(log, payloads(2))
  const { events, lastEventId } = await readAll(backend, log)
  assert.deepEqual(dataOf(events), payloads(2))
  return [...new Set([...origin, one(events).prev, ...idsOf(events), lastEventId])]
}
