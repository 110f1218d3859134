import assert from 'node:assert/strict'
import type { Backend, ChannelLog } from '../backend/backend.ts'
import type { ChangeResult, LogChange } from '../backend/entries.ts'
import { type BackendCase, type BackendCaseContext, withBackends } from './backend-case.ts'
import {
  assertLinked,
  createRecorder,
  dataOf,
  defined,
  eventually,
  newLog,
  one,
  readAll,
} from './case-tools.ts'

/**
 * The cases of `Backend.change` and `Backend.entries`. They do nothing for a backend without these.
 */
export const entriesCases: readonly BackendCase[] = [
  {
    id: 'B28',
    name: 'changes entries and stores events in one step',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      const far = createRecorder()
      await second.listen(log, far)
      const { lastEventId } = await readAll(first, log)
      const result = await change(first, log, {
        set: [
          { key: 'a', value: '1' },
          { key: '__proto__', value: '' },
          { key: 'ключ "}{', value: '\0\n' },
        ],
        payloads: ['"event 0"', '"event 1"'],
      })
      assert.equal(result.outcome, 'changed')
      await far.heard('"event 1"')
      assertLinked(far.events, lastEventId)
      assert.deepEqual(await allEntries(second, log), {
        a: '1',
        ['__proto__']: '',
        'ключ "}{': '\0\n',
      })
      await change(second, log, { delete: ['a'], set: [{ key: 'b', value: '2' }] })
      assert.deepEqual(Object.keys(await allEntries(first, log)).sort(), [
        '__proto__',
        'b',
        'ключ "}{',
      ])
    }),
  },
  {
    id: 'B28',
    name: 'does nothing if a condition does not hold, and returns the current values',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      await change(first, log, { set: [{ key: 'a', value: '1' }] })
      const refused: readonly LogChange['when'][] = [
        [{ key: 'a', is: null }],
        [{ key: 'a', is: '2' }],
        [{ key: 'b', is: '' }],
        [
          { key: 'b', is: null },
          { key: 'a', is: '' },
        ],
      ]
      for (const when of refused) {
        const result = await change(second, log, {
          when: defined(when),
          set: [{ key: 'c', value: '3' }],
          payloads: ['"no"'],
        })
        const current = defined(when).map(({ key }) => (key === 'a' ? '1' : null))
        assert.deepEqual(result, { outcome: 'conflict', ids: [], current })
      }
      assert.deepEqual(await allEntries(first, log), { a: '1' })
      assert.deepEqual((await readAll(first, log)).events, [])
      const when = [
        { key: 'a', is: '1' },
        { key: 'b', is: null },
      ]
      const result = await change(first, log, { when, set: [{ key: 'a', value: '2' }] })
      assert.deepEqual(result, { outcome: 'changed', ids: [], current: ['1', null] })
    }),
  },
  {
    id: 'B28',
    name: 'lets exactly one of many changes with the same condition win',
    needs: [],
    run: withEntries(async (backends, log) => {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, i) =>
          change(defined(backends[i % 2]), log, {
            when: [{ key: 'lease', is: null }],
            set: [{ key: 'lease', value: String(i) }],
            payloads: [`"winner ${i}"`],
          }),
        ),
      )
      assert.equal(results.filter(({ outcome }) => outcome === 'changed').length, 1)
      const { lease } = await allEntries(backends[0], log)
      assert.deepEqual(dataOf((await readAll(backends[0], log)).events), [`"winner ${lease}"`])
    }),
  },
  {
    id: 'B29',
    name: 'removes an expired entry and stores its event, in order, at the next use by any process',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      const near = createRecorder()
      await first.listen(log, near)
      await change(first, log, {
        set: [
          { key: 'late', value: '1', forMs: 120, onExpiry: '"late"' },
          { key: 'soon', value: '1', forMs: 60, onExpiry: '"soon"' },
          { key: 'silent', value: '1', forMs: 60 },
          { key: 'stays', value: '1' },
        ],
        payloads: ['"set"'],
      })
      const { expiresInMs } = await readAll(second, log)
      assert.ok(defined(expiresInMs) <= 60, `${expiresInMs}`)
      const page = await eventually(
        () => readAll(second, log),
        ({ events }) => events.length > 2,
      )
      assert.deepEqual(dataOf(page.events), ['"set"', '"soon"', '"late"'])
      assert.equal(page.expiresInMs, undefined)
      assert.deepEqual(await allEntries(second, log), { stays: '1' })
      await near.heard('"late"')
      assertLinked(near.events, one(page.events).prev)
    }),
  },
  {
    id: 'B29',
    name: 'stores the event of an expired entry before those of the next change',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      const lease = { key: 'lease', value: 'mine', forMs: 60, onExpiry: '"expired"' }
      await change(first, log, { set: [lease] })
      const take = { when: [{ key: 'lease', is: null }], payloads: ['"taken"'] }
      await eventually(
        () => change(second, log, take),
        ({ outcome }) => outcome === 'changed',
      )
      assert.deepEqual(dataOf((await readAll(first, log)).events), ['"expired"', '"taken"'])
    }),
  },
  {
    id: 'B29',
    name: 'replaces the expiry time and event of an entry that is set again',
    needs: [],
    run: withEntries(async ([first], log) => {
      const short = { forMs: 50, onExpiry: '"expired"' }
      await change(first, log, {
        set: [
          { key: 'a', value: '1', ...short },
          { key: 'b', value: '1', ...short },
          { key: 'c', value: '1', forMs: 100, onExpiry: '"c"' },
        ],
      })
      await change(first, log, { set: [{ key: 'a', value: '2', forMs: 600_000 }], delete: ['b'] })
      await eventually(
        () => readAll(first, log),
        ({ events }) => events.length > 0,
      )
      assert.deepEqual(dataOf((await readAll(first, log)).events), ['"c"'])
      assert.deepEqual(await allEntries(first, log), { a: '2' })
    }),
  },
  {
    id: 'B31',
    name: 'refuses a change that would leave too many entries',
    needs: [],
    run: withEntries(async ([first], log) => {
      const set = (...keys: string[]): LogChange['set'] => keys.map((key) => ({ key, value: '1' }))
      const maxEntries = 2
      await change(first, log, { set: defined(set('a', 'b')), maxEntries })
      const full = await change(first, log, { set: defined(set('c')), maxEntries, payloads: ['1'] })
      assert.deepEqual([full.outcome, full.ids], ['full', []])
      const outcomes = [
        await change(first, log, { set: defined(set('a', 'b', 'a')), maxEntries }),
        await change(first, log, { delete: ['a', 'x'], set: defined(set('c')), maxEntries }),
        await change(first, log, { delete: ['x'], set: defined(set('d')), maxEntries }),
      ]
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['changed', 'changed', 'full'],
      )
      assert.deepEqual(await allEntries(first, log), { b: '1', c: '1' })
    }),
  },
  {
    id: 'B32',
    name: 'forgets the log after its time, so that its readers see a reset',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      const { ids } = await change(first, log, {
        set: [{ key: 'a', value: '1' }],
        payloads: ['"old"'],
        forgetAfterMs: 60,
      })
      assert.ok(defined((await readAll(second, log)).expiresInMs) <= 60)
      const page = await eventually(
        () => second.read(log, { after: one(ids), limit: 10 }),
        ({ lastEventId }) => lastEventId !== one(ids),
      )
      assert.deepEqual(page.events, [])
      assert.deepEqual(await allEntries(second, log), {})
      const next = await change(first, log, { payloads: ['"new"'] })
      const [event] = (await second.read(log, { after: one(ids), limit: 10 })).events
      assert.deepEqual([event?.id, event?.prev], [one(next.ids), page.lastEventId])
    }),
  },
  {
    id: 'B33',
    name: 'deletes the entries when the log is cleared',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      await change(first, log, { set: [{ key: 'a', value: '1', forMs: 50, onExpiry: '"a"' }] })
      await second.clear(log)
      assert.deepEqual(await allEntries(first, log), {})
      await change(first, log, { set: [{ key: 'b', value: '1', forMs: 50, onExpiry: '"b"' }] })
      const { events } = await eventually(
        () => readAll(first, log),
        (page) => page.events.length > 0,
      )
      assert.deepEqual(dataOf(events), ['"b"'])
    }),
  },
  {
    id: 'B34',
    name: 'reads every entry, page by page',
    needs: [],
    run: withEntries(async ([first, second], log) => {
      const all = Array.from({ length: 1_000 }, (_, i) => [`key ${i}`, String(i)] as const)
      await change(first, log, { set: all.map(([key, value]) => ({ key, value })) })
      assert.deepEqual(await allEntries(second, log, 50), Object.fromEntries(all))
    }),
  },
]

type Pair = readonly [Backend, Backend]

/** Runs a case with two processes and a log with entries, if the backend supports entries. */
function withEntries(
  run: (backends: Pair, log: ChannelLog) => Promise<void>,
): (context: BackendCaseContext) => Promise<void> {
  return (context) =>
    withBackends(context, 2, async ([first, second]) => {
      if (!first?.change || !second) return
      await run([first, second], { ...newLog(context), entries: { checkMs: 1_000 } })
    })
}

function change(backend: Backend, log: ChannelLog, wanted: LogChange): Promise<ChangeResult> {
  return defined(backend.change?.(log, wanted))
}

async function allEntries(
  backend: Backend,
  log: ChannelLog,
  limit = 10_000,
): Promise<Record<string, string>> {
  const found: (readonly [string, string])[] = []
  let after: string | undefined
  do {
    const range = after === undefined ? { limit } : { limit, after }
    const page = await defined(backend.entries?.(log, range))
    found.push(...page.entries)
    after = page.next
  } while (after !== undefined)
  return Object.fromEntries(found)
}
