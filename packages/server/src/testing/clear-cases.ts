import assert from 'node:assert/strict'
import { compareEventIds } from '@trpc-sse/protocol'
import type { BackendCase } from './backend-case.ts'
import {
  createRecorder,
  dataOf,
  defined,
  one,
  payloads,
  readAll,
  withLog,
  withTwo,
} from './case-tools.ts'

/** The cases of `Backend.clear`. */
export const clearCases: readonly BackendCase[] = [
  {
    id: 'B22',
    name: 'deletes the events of a log, and continues at a new origin',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const { ids } = await first.append(log, payloads(3))
      await second.clear(log)
      const page = await readAll(first, log)
      assert.deepEqual(page.events, [])
      assert.ok(compareEventIds(page.lastEventId, defined(ids.at(-1))) > 0, 'the origin is greater')
      assert.equal(page.cleared, page.lastEventId)
      assert.deepEqual(await first.read(log, { last: 10, limit: 10 }), page)
      const next = await first.append(log, payloads(1, 'next'))
      assert.deepEqual(await second.read(log, { after: one(ids), limit: 10 }), {
        events: [{ id: one(next.ids), prev: page.lastEventId, data: '"next 0"' }],
        lastEventId: one(next.ids),
        cleared: page.cleared,
      })
    }),
  },
  {
    id: 'B22',
    name: 'uses no id again, however often a log is cleared',
    needs: [],
    run: withLog(async (backend, log) => {
      let before = (await readAll(backend, log)).lastEventId
      for (let life = 0; life < 5; life++) {
        await backend.clear(log)
        const origin = (await readAll(backend, log)).lastEventId
        assert.ok(compareEventIds(origin, before) > 0)
        before = defined((await backend.append(log, payloads(2))).ids.at(-1))
        assert.ok(compareEventIds(before, origin) > 0)
      }
    }),
  },
  {
    id: 'B23',
    name: 'calls onInterrupted of the listeners in every process',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const [near, far] = [createRecorder(), createRecorder()]
      await first.listen(log, near)
      await second.listen(log, far)
      await first.append(log, payloads(1))
      await first.clear(log)
      await Promise.all([near.interrupted(1), far.interrupted(1)])
      await second.append(log, payloads(1, 'next'))
      await Promise.all([near.heard('"next 0"'), far.heard('"next 0"')])
      assert.deepEqual(dataOf(far.events), ['"event 0"', '"next 0"'])
    }),
  },
  {
    id: 'B24',
    name: 'keeps the idempotency keys',
    needs: [],
    run: withLog(async (backend, log) => {
      const { ids } = await backend.append(log, payloads(1), { idempotencyKey: 'a' })
      await backend.clear(log)
      const again = await backend.append(log, payloads(1), { idempotencyKey: 'a' })
      assert.deepEqual(again, { ids, duplicate: true })
      assert.deepEqual((await readAll(backend, log)).events, [])
    }),
  },
]
