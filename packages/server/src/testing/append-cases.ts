import assert from 'node:assert/strict'
import { compareEventIds, isEventId } from '@trpc-sse/protocol'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import { type BackendCase, withBackends } from './backend-case.ts'
import {
  assertLinked,
  assertRejects,
  createRecorder,
  dataOf,
  defined,
  eventually,
  idsOf,
  newLog,
  one,
  payloads,
  plenty,
  readAll,
  withLog,
  withTwo,
} from './case-tools.ts'

/** Texts that often break keys, scripts and frames. */
export const nastyTexts: readonly string[] = [
  'plain',
  'Plain',
  '',
  ' ',
  'a:b',
  'a',
  'a:log',
  '{a}',
  '}{',
  '{',
  '%',
  '%7B',
  '%257B',
  '*',
  '?[a-z]',
  'line\nbreak',
  'line\r\nbreak',
  'nul\0nul',
  '"quotes" and \\ and \u2028',
  'é',
  'e\u0301',
  '😀',
  '\ud83d',
  '\ude00',
  '__proto__',
  'x'.repeat(2_000),
]

/** The cases of `Backend.append`. */
export const appendCases: readonly BackendCase[] = [
  {
    id: 'B1',
    name: 'stores the payloads of one call contiguously and in order, while other processes append',
    needs: [],
    run: (context) =>
      withBackends(context, 4, async (backends) => {
        const log = newLog(context)
        const batches = Array.from({ length: 40 }, (_, i) => payloads(1 + (i % 7), `batch ${i}`))
        await Promise.all(batches.map((batch, i) => defined(backends[i % 4]).append(log, batch)))
        const stored = dataOf((await readAll(one(backends), log)).events)
        assert.equal(stored.length, batches.flat().length)
        for (const batch of batches) {
          const start = stored.indexOf(one(batch))
          assert.deepEqual(stored.slice(start, start + batch.length), batch)
        }
      }),
  },
  {
    id: 'B1',
    name: 'shows all payloads of one call or none to a reader',
    needs: [],
    run: withTwo(async (writer, reader, log) => {
      const writing = Promise.all(Array.from({ length: 50 }, () => writer.append(log, payloads(5))))
      const reading = Array.from(
        { length: 50 },
        async () => (await readAll(reader, log)).events.length % 5,
      )
      assert.deepEqual(new Set(await Promise.all(reading)), new Set([0]))
      await writing
    }),
  },
  {
    id: 'B1',
    name: 'stores 10,000 payloads in one call',
    needs: [],
    run: withLog(async (backend, log) => {
      const { lastEventId } = await readAll(backend, log)
      const many = payloads(10_000)
      const { ids } = await backend.append(log, many)
      const { events } = await readAll(backend, log)
      assert.deepEqual(dataOf(events), many)
      assert.deepEqual(idsOf(events), ids)
      assertLinked(events, lastEventId)
    }),
  },
  {
    id: 'B1',
    name: 'stores the appends of one process in the order of the calls',
    needs: [],
    run: withLog(async (backend, log) => {
      const calls = payloads(300)
      await Promise.all(
        calls.map((data, i) =>
          backend.append(log, [data], i % 5 === 0 ? { idempotencyKey: `key ${i}` } : undefined),
        ),
      )
      assert.deepEqual(dataOf((await readAll(backend, log)).events), calls)
    }),
  },
  {
    id: 'B2',
    name: 'gives ascending ids, and sets the prev of each event to the id before it',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const { lastEventId: origin } = await readAll(first, log)
      for (let i = 0; i < 20; i++) await (i % 2 ? first : second).append(log, payloads(1 + (i % 3)))
      const { events, lastEventId } = await readAll(first, log)
      assertLinked(events, origin)
      assert.equal(lastEventId, events.at(-1)?.id)
      for (const { id, prev } of events) {
        assert.ok(isEventId(id), id)
        assert.ok(compareEventIds(id, prev) > 0, `${id} is greater than ${prev}`)
      }
    }),
  },
  {
    id: 'B3',
    name: 'hints each event to every listener in every process, in order and once',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const recorders = [createRecorder(), createRecorder(), createRecorder()]
      await Promise.all(recorders.map((recorder, i) => (i ? first : second).listen(log, recorder)))
      await Promise.all(
        payloads(100).map((data, i) => (i % 2 ? first : second).append(log, [data])),
      )
      await first.append(log, ['"end"'])
      const { events } = await readAll(second, log)
      for (const recorder of recorders) {
        await recorder.heard('"end"')
        assert.deepEqual(recorder.events, events)
      }
    }),
  },
  {
    id: 'B4',
    name: 'keeps logs separate, whatever characters their keys have',
    needs: [],
    run: (context) =>
      withBackends(context, 1, async ([opened]) => {
        const backend = defined(opened)
        const unique = context.uniqueKey()
        const keys = new Set(nastyTexts.flatMap((text) => [`${text}${unique}`, `${unique}${text}`]))
        const logs = [...keys].map((key): ChannelLog => ({ key, retain: plenty }))
        const recorders = logs.map(() => createRecorder())
        await Promise.all(logs.map((log, i) => backend.listen(log, defined(recorders[i]))))
        // Idempotency keys of different logs must be separate too, so all logs get the same one.
        const options = { idempotencyKey: 'key' }
        await Promise.all(logs.map((log, i) => backend.append(log, [`"${i}"`], options)))
        for (const [i, log] of logs.entries()) {
          await recorders[i]?.heard(`"${i}"`)
          assert.deepEqual(
            dataOf((await readAll(backend, log)).events),
            [`"${i}"`],
            JSON.stringify(log.key),
          )
          assert.equal(recorders[i]?.events.length, 1)
        }
      }),
  },
  {
    id: 'B5',
    name: 'answers a known idempotency key with the first ids, and neither stores nor hints',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const recorder = createRecorder()
      await second.listen(log, recorder)
      const options = { idempotencyKey: 'order 1' }
      const stored = await first.append(log, ['"a"', '"b"'], options)
      const again = await second.append(log, ['"c"'], options)
      assert.equal(stored.duplicate, false)
      assert.deepEqual(again, { ids: stored.ids, duplicate: true })
      await first.append(log, ['"end"'])
      await recorder.heard('"end"')
      assert.deepEqual(dataOf(recorder.events), ['"a"', '"b"', '"end"'])
      assert.deepEqual(dataOf((await readAll(first, log)).events), ['"a"', '"b"', '"end"'])
    }),
  },
  {
    id: 'B5',
    name: 'stores only one of many concurrent appends with one idempotency key, whatever characters it has',
    needs: [],
    run: withTwo(async (first, second, log) => {
      for (const idempotencyKey of nastyTexts) {
        const append = (backend: Backend) =>
          backend.append(log, [JSON.stringify(idempotencyKey)], { idempotencyKey })
        const results = await Promise.all([first, second, first, second].map(append))
        assert.equal(results.filter((result) => !result.duplicate).length, 1)
        assert.equal(new Set(results.map((result) => one(result.ids))).size, 1)
      }
      assert.equal((await readAll(first, log)).events.length, nastyTexts.length)
    }),
  },
  {
    id: 'B5',
    name: 'forgets an idempotency key after its time',
    needs: [],
    run: withLog(async (backend, log) => {
      const options = { idempotencyKey: 'key', idempotencyMs: 5 }
      await backend.append(log, ['1'], options)
      await eventually(
        () => backend.append(log, ['2'], options),
        (result) => !result.duplicate,
      )
      assert.deepEqual(dataOf((await readAll(backend, log)).events), ['1', '2'])
    }),
  },
  {
    id: 'B6',
    name: 'rejects with BACKEND_UNAVAILABLE while the log can’t be reached, and works again afterwards',
    needs: ['becomeUnreachable'],
    run: (context) =>
      withBackends(context, 1, async ([opened]) => {
        const backend = defined(opened)
        const log = newLog(context)
        await backend.append(log, ['"before"'])
        const restore = await context.becomeUnreachable?.()
        try {
          await Promise.all([
            assertRejects(backend.append(log, ['"meanwhile"']), 'BACKEND_UNAVAILABLE'),
            assertRejects(readAll(backend, log), 'BACKEND_UNAVAILABLE'),
            assertRejects(backend.listen(log, createRecorder()), 'BACKEND_UNAVAILABLE'),
          ])
        } finally {
          await restore?.()
        }
        const append = () => backend.append(log, ['"after"'])
        await eventually(
          () => append().catch(() => undefined),
          (result) => result !== undefined,
        )
        assert.equal((await readAll(backend, log)).events.at(-1)?.data, '"after"')
      }),
  },
  {
    id: 'B7',
    name: 'returns payloads unchanged, from the log and in hints',
    needs: [],
    run: withLog(async (backend, log) => {
      const texts = [
        '',
        ' ',
        '0',
        'nil',
        '\ufeffbom',
        'a b  c',
        `${'x'.repeat(300_000)}`,
        ...nastyTexts,
      ]
      // A lone surrogate has no UTF-8 form, but JSON.stringify writes it as an escape.
      const all = texts.filter((text) => !/\p{Surrogate}/u.test(text))
      const recorder = createRecorder()
      await backend.listen(log, recorder)
      await backend.append(log, [...all, '"end"'])
      await recorder.heard('"end"')
      assert.deepEqual(dataOf((await readAll(backend, log)).events), [...all, '"end"'])
      assert.deepEqual(dataOf(recorder.events), [...all, '"end"'])
    }),
  },
  {
    id: 'B25',
    name: 'stores nothing before `after` has settled, and then in the order of the calls',
    needs: [],
    run: withTwo(async (backend, other, log) => {
      let settle = (): void => {}
      const after = new Promise<void>((resolve) => {
        settle = resolve
      })
      const appending = ['"1"', '"2"'].map((payload) => backend.append(log, [payload], { after }))
      await other.append(log, ['"first"'])
      assert.deepEqual(dataOf((await readAll(other, log)).events), ['"first"'])
      settle()
      await Promise.all(appending)
      assert.deepEqual(dataOf((await readAll(other, log)).events), ['"first"', '"1"', '"2"'])
    }),
  },
]
