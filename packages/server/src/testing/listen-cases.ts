import assert from 'node:assert/strict'
import { type BackendCase, withBackends } from './backend-case.ts'
import {
  assertRejects,
  createRecorder,
  dataOf,
  defined,
  newLog,
  payloads,
  readAll,
  withLog,
  withTwo,
} from './case-tools.ts'

/** The cases of `Backend.listen` and `Backend.close`. */
export const listenCases: readonly BackendCase[] = [
  {
    id: 'B15',
    name: 'hints every event that is stored after listen has resolved',
    needs: [],
    run: (context) =>
      withBackends(context, 2, async ([opened, other]) => {
        const [listening, writing] = [defined(opened), defined(other)]
        for (let i = 0; i < 30; i++) {
          const log = newLog(context)
          const recorder = createRecorder()
          await listening.listen(log, recorder)
          await writing.append(log, ['"first"'])
          await recorder.heard('"first"')
        }
      }),
  },
  {
    id: 'B16',
    name: 'calls onInterrupted when hints may have been lost, and hints again after that',
    needs: ['interruptListeners'],
    run: (context) =>
      withBackends(context, 2, async ([opened, other]) => {
        const [listening, writing] = [defined(opened), defined(other)]
        const logs = [newLog(context), newLog(context)]
        const recorders = logs.map(() => createRecorder())
        for (const [i, log] of logs.entries()) await listening.listen(log, defined(recorders[i]))
        for (let times = 1; times <= 3; times++) {
          await context.interruptListeners?.()
          for (const [i, log] of logs.entries()) {
            const recorder = defined(recorders[i])
            await recorder.interrupted(times)
            await writing.append(log, [`"after ${times}"`])
            await recorder.heard(`"after ${times}"`)
          }
        }
      }),
  },
  {
    id: 'B35',
    name: 'calls onInterrupted after interruptListeners, and hints again after that',
    needs: [],
    run: withTwo(async (listening, writing, log) => {
      if (listening.interruptListeners === undefined) return
      const recorder = createRecorder()
      await listening.listen(log, recorder)
      listening.interruptListeners()
      await recorder.interrupted(1)
      await writing.append(log, ['"after"'])
      await recorder.heard('"after"')
    }),
  },
  {
    id: 'B26',
    name: 'sends a notice to every listener of the log, and stores nothing',
    needs: [],
    run: withTwo(async (first, second, log) => {
      if (first.notify === undefined) return
      const [here, there, elsewhere] = [createRecorder(), createRecorder(), createRecorder()]
      await first.listen(log, here)
      await second.listen(log, there)
      await second.listen({ ...log, key: `${log.key} too` }, elsewhere)
      const before = await readAll(second, log)
      for (const text of ['', 'one', ' {"a":"1-1 1-2 ü😀\\r\\n"} ', 'notice two', 'interrupted'])
        assert.equal(await first.notify(log, text), true)
      await second.append(log, ['"last"'])
      await Promise.all([here.heard('"last"'), there.heard('"last"')])
      const heard = ['', 'one', ' {"a":"1-1 1-2 ü😀\\r\\n"} ', 'notice two', 'interrupted']
      for (const { notices, interruptions } of [here, there]) {
        assert.deepEqual(notices, heard)
        assert.equal(interruptions, 0)
      }
      assert.deepEqual(elsewhere.notices, [])
      assert.equal((await readAll(second, log)).events[0]?.prev, before.lastEventId)
    }),
  },
  {
    id: 'B27',
    name: 'resolves notify to false only if there is no listener',
    needs: [],
    run: withTwo(async (first, second, log) => {
      if (first.notify === undefined) return
      const recorder = createRecorder()
      const unlisten = await second.listen(log, recorder)
      assert.equal(await first.notify(log, 'heard'), true)
      await second.append(log, ['"after it"'])
      await recorder.heard('"after it"')
      await unlisten()
      await first.notify(log, 'not heard')
      assert.deepEqual(recorder.notices, ['heard'])
    }),
  },
  {
    id: 'B17',
    name: 'sends no hints after unlisten, and doesn’t affect other listeners',
    needs: [],
    run: withTwo(async (first, second, log) => {
      const [gone, here] = [createRecorder(), createRecorder()]
      const unlisten = await first.listen(log, gone)
      await first.listen(log, here)
      await second.append(log, ['1'])
      await Promise.all([gone.heard('1'), here.heard('1')])
      await Promise.all([unlisten(), unlisten()])
      await unlisten()
      await second.append(log, ['2'])
      await here.heard('2')
      assert.deepEqual(dataOf(gone.events), ['1'])
    }),
  },
  {
    id: 'B17',
    name: 'hints the same listener twice if it listens twice, and once after one unlisten',
    needs: [],
    run: withLog(async (backend, log) => {
      const [twice, witness] = [createRecorder(), createRecorder()]
      const unlisten = await backend.listen(log, twice)
      await backend.listen(log, twice)
      await backend.listen(log, witness)
      await backend.append(log, ['1'])
      await witness.heard('1')
      await unlisten()
      await backend.append(log, ['2'])
      await witness.heard('2')
      assert.deepEqual(dataOf(twice.events), ['1', '1', '2'])
    }),
  },
  {
    id: 'B17',
    name: 'hints every listener, however listen and unlisten calls overlap',
    needs: [],
    run: withTwo(async (first, second, log) => {
      let unlisten = await first.listen(log, createRecorder())
      for (let i = 0; i < 30; i++) {
        const recorder = createRecorder()
        // Unlisten and listen in one tick: the store must not apply the first after the second.
        const leaving = unlisten()
        const coming = first.listen(log, recorder)
        const strays = [first.listen(log, createRecorder()), first.listen(log, createRecorder())]
        unlisten = await coming
        await second.append(log, [`"${i}"`])
        await recorder.heard(`"${i}"`)
        await leaving
        for (const stray of strays) await (await stray)()
      }
    }),
  },
  {
    id: 'B3',
    name: 'hints the other listeners when one throws',
    needs: [],
    run: withLog(async (backend, log) => {
      const fail = (): never => {
        throw new Error('A listener that breaks its contract.')
      }
      const recorder = createRecorder()
      await backend.listen(log, { onEvent: fail, onInterrupted: fail })
      await backend.listen(log, recorder)
      await backend.append(log, payloads(2))
      await recorder.heard(defined(payloads(2)[1]))
      assert.deepEqual(dataOf(recorder.events), payloads(2))
    }),
  },
  {
    id: 'B18',
    name: 'can be closed twice, with listeners',
    needs: [],
    run: withLog(async (backend, log) => {
      const unlisten = await backend.listen(log, createRecorder())
      await Promise.all([backend.close(), backend.close()])
      await backend.close()
      await unlisten()
    }),
  },
  {
    id: 'B18',
    name: 'completes calls that were made before close',
    needs: [],
    run: withLog(async (backend, log) => {
      const appending = Promise.all(payloads(20).map((data) => backend.append(log, [data])))
      const closing = backend.close()
      assert.equal((await appending).length, 20)
      await closing
    }),
  },
  {
    id: 'B19',
    name: 'rejects with CLOSED once close is called',
    needs: [],
    run: withLog(async (backend, log) => {
      await backend.append(log, ['1'])
      const closing = backend.close()
      for (const moment of [Promise.resolve(), closing]) {
        await moment
        await assertRejects(backend.append(log, ['2']), 'CLOSED')
        await assertRejects(readAll(backend, log), 'CLOSED')
        await assertRejects(backend.listen(log, createRecorder()), 'CLOSED')
      }
    }),
  },
]
