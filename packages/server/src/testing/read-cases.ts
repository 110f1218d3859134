import assert from 'node:assert/strict'
import type { EventId } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, StoredEvent } from '../backend/backend.ts'
import { type BackendCase, withBackends } from './backend-case.ts'
import {
  assertLinked,
  dataOf,
  defined,
  eventually,
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
    name: 'reads nothing after an id that is not reached yet, however great',
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
    id: 'B10',
    name: 'keeps no more events than are to be kept',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const log = { key, retain: { ...plenty, events: 7 } }
      const ids: string[] = []
      for (const data of payloads(30)) ids.push(...(await backend.append(log, [data])).ids)
      ids.push(...(await backend.append(log, payloads(300))).ids)
      const { events } = await readAll(backend, log)
      assert.deepEqual(idsOf(events), ids.slice(-7))
      assertLinked(events, defined(ids.at(-8)))
      assert.deepEqual(
        idsOf((await backend.read(log, { last: 100, limit: 100 })).events),
        ids.slice(-7),
      )
      assert.deepEqual(
        idsOf(
          (await backend.read({ key, retain: { ...plenty, events: 1 } }, { last: 9, limit: 9 }))
            .events,
        ),
        ids.slice(-1),
      )
    }),
  },
  {
    id: 'B10',
    name: 'returns no event that is older than it is to be kept',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const log = { key, retain: { ...plenty, forMs: 20 } }
      const { ids } = await backend.append(log, payloads(3))
      await eventually(
        () => readAll(backend, log),
        (page) => page.events.length === 0,
      )
      const storedAtMs = Number(one(ids).split('-')[0])
      assert.ok(Date.now() - storedAtMs >= 20, 'not before its time')
      assert.deepEqual((await backend.read(log, { last: 10, limit: 10 })).events, [])
    }),
  },
  {
    id: 'B11',
    name: 'reads events and the last id at one moment',
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
    id: 'B12',
    name: 'knows the last id when the events are gone',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const log = { key, retain: { ...plenty, forMs: 5 } }
      const last = defined((await backend.append(log, payloads(3))).ids.at(-1))
      await eventually(
        () => readAll(backend, log),
        (page) => page.events.length === 0,
      )
      assert.deepEqual(await backend.read(log, { after: last, limit: 9 }), {
        events: [],
        lastEventId: last,
      })
      const [id] = (await backend.append({ key, retain: plenty }, ['"next"'])).ids
      const { events } = await backend.read({ key, retain: plenty }, { after: last, limit: 9 })
      assert.deepEqual(events, [{ id, prev: last, data: '"next"' }])
    }),
  },
  {
    id: 'B13',
    name: 'names no id again after the log lost its memory',
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
    name: 'ends a page before it has too many bytes',
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
    name: 'reads all of a log in pages that are bounded both ways',
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
  {
    id: 'B10',
    name: 'reads after an id no events beyond those that are to be kept',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const { ids } = await backend.append({ key, retain: plenty }, payloads(500))
      const log = { key, retain: { ...plenty, events: 90 } }
      for (const after of ['0-0', one(ids), defined(ids[409]), defined(ids[420])]) {
        const { events } = await backend.read(log, { after, limit: 10 })
        const start = Math.max(410, ids.indexOf(after) + 1)
        assert.deepEqual(idsOf(events), ids.slice(start, start + 10))
      }
    }),
  },
  {
    id: 'B21',
    name: 'tells of the newest events whether some are missing',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const isTrimmed = async (last: number, retain = plenty): Promise<boolean | undefined> =>
        (await backend.read({ key, retain }, { last, limit: 2 })).trimmed
      const brief = { ...plenty, events: 5 }
      assert.equal(await isTrimmed(1), undefined, 'a log without events')
      await backend.append({ key, retain: brief }, payloads(5))
      assert.equal(await isTrimmed(5, brief), undefined)
      assert.equal(await isTrimmed(Number.MAX_SAFE_INTEGER, brief), undefined, 'all that ever was')
      await backend.append({ key, retain: brief }, payloads(1))
      assert.equal(await isTrimmed(5, brief), undefined, 'all that was asked for')
      assert.equal(await isTrimmed(6, brief), true)
      assert.equal(await isTrimmed(Number.MAX_SAFE_INTEGER, brief), true)
      assert.equal(await isTrimmed(0, brief), undefined)
    }),
  },
  {
    id: 'B21',
    name: 'tells that all events are missing when they have expired',
    needs: [],
    run: withLog(async (backend, { key }) => {
      const log = { key, retain: { ...plenty, forMs: 5 } }
      await backend.append(log, payloads(3))
      const page = await eventually(
        () => backend.read(log, { last: 10, limit: 10 }),
        ({ events }) => events.length === 0,
      )
      assert.equal(page.trimmed, true)
    }),
  },
]

/** Uses a log that knows nothing. Returns the ids that somebody may stand at from then on. */
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
