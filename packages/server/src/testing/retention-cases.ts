import assert from 'node:assert/strict'
import type { BackendCase } from './backend-case.ts'
import {
  assertLinked,
  defined,
  eventually,
  idsOf,
  one,
  payloads,
  plenty,
  readAll,
  withLog,
} from './case-tools.ts'

/** The cases of `Backend.read` for events that are no longer retained. */
export const retentionCases: readonly BackendCase[] = [
  {
    id: 'B10',
    name: 'keeps no more events than the retention allows',
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
    name: 'returns no event that is older than the retention allows',
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
    id: 'B12',
    name: 'knows the last id when the events have expired',
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
    id: 'B10',
    name: 'reads only retained events after an id that is no longer retained',
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
    name: 'sets trimmed only if fewer of the newest events are retained than requested',
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
    name: 'sets trimmed when all events have expired',
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
