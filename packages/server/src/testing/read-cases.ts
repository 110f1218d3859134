import assert from 'node:assert/strict'
import type { EventId } from '@trpc-sse/protocol'
import type { Backend, ChannelLog, StoredEvent } from '../backend.ts'
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
      const greater = ['9999999999999-0', '18446744073709551615-18446744073709551615', `${'9'.repeat(20)}-0`]
      for (const after of [defined(last), ...greater]) {
        assert.deepEqual(await backend.read(log, { after, limit: 10 }), { events: [], lastEventId: last })
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
      assert.deepEqual(idsOf((await backend.read(log, { last: 100, limit: 100 })).events), ids.slice(-7))
      assert.deepEqual(
        idsOf((await backend.read({ key, retain: { ...plenty, events: 1 } }, { last: 9, limit: 9 })).events),
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
      assert.deepEqual(await backend.read(log, { after: last, limit: 9 }), { events: [], lastEventId: last })
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
]

/** Uses a log that knows nothing. Returns the ids that somebody may stand at from then on. */
async function liveOnce(backend: Backend, log: ChannelLog, readsFirst: boolean): Promise<readonly EventId[]> {
  const origin = readsFirst ? [(await readAll(backend, log)).lastEventId] : []
  await backend.append(log, payloads(2))
  const { events, lastEventId } = await readAll(backend, log)
  assert.deepEqual(dataOf(events), payloads(2))
  return [...new Set([...origin, one(events).prev, ...idsOf(events), lastEventId])]
}
