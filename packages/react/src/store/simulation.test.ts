import { describe, expect, it } from 'vitest'
import { manualFrames, manualSubscription } from '../../../../tests/support/manual-subscription.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { createConnections } from './connections.ts'
import { createLiveStore, type StoreConfig } from './live-store.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Sent {
  readonly n: number
  resolve(answer: { readonly id: string }): void
  reject(error: Error): void
}

type Reduce = StoreConfig<readonly number[], Error>['reduce']

/** A list that an event twice would show twice. */
const append: Reduce = (list, n) => [...list, n as number]
/** The newest number of each kind: an event that is shown for too long hides those that came after it. */
const newest: Reduce = (list, n) =>
  [0, 1, 2].map((kind) => ((n as number) % 3 === kind ? (n as number) : (list[kind] ?? 0)))

/** A server with a log of numbers, in random order with everything that can happen on the way. */
async function simulate(
  seed: number,
  { reduce, hasSnapshots }: { reduce: Reduce; hasSnapshots: boolean },
) {
  const random = seededRandom(seed)
  const { frames, paint } = manualFrames()
  const server = manualSubscription()
  const store = createLiveStore<readonly number[], Error>(
    {
      subscription: server.subscription,
      initialData: hasSnapshots ? undefined : { data: [], lastEventId: '0-0' },
      write: undefined,
      frames,
      reduce,
      snapshot: (data) => data as readonly number[],
    },
    createConnections(),
  )
  const log: number[] = []
  const sent: Sent[] = []
  // Mutations whose event is in the log, the answer on its way.
  const stored: Sent[] = []
  let leave = store.subscribe(() => {})
  let told = 0
  let isSnapshotDue = hasSnapshots
  let position = hasSnapshots ? '' : '0-0'
  let last = 0
  const fold = (to = log.length): readonly number[] =>
    log.slice(0, to).reduce<readonly number[]>((state, n) => reduce(state, n, { id: '' }), [])

  function deliver(): void {
    const n = log[told]
    if (isSnapshotDue) {
      told = log.length
      server.snapshot(`${log.at(-1) ?? 0}-0`, fold())
    } else if (n !== undefined) {
      told += 1
      server.event(n)
    } else return
    isSnapshotDue = false
    position = `${log[told - 1] ?? 0}-0`
  }
  const steps: Array<() => unknown> = [
    () => log.push(++last),
    () => log.push(++last),
    deliver,
    deliver,
    deliver,
    () => {
      const n = ++last
      const promise = new Promise<{ id: string }>((resolve, reject) =>
        sent.push({ n, resolve, reject }),
      )
      store.getState().optimistic(n, promise, { isSame: (event) => event === n })
    },
    () => {
      const one = sent.shift()
      if (one && random() < 0.3) one.reject(new Error('refused'))
      else if (one) stored.push(one) && log.push(one.n)
    },
    () => {
      const one = stored.splice(Math.floor(random() * stored.length), 1)[0]
      one?.resolve({ id: `${one.n}-0` })
    },
    () => {
      leave()
      leave = store.subscribe(() => {})
      expect(server.subscribed.at(-1)?.from).toBe(position)
    },
    () => {
      if (hasSnapshots && random() < 0.3) isSnapshotDue = true
    },
  ]
  for (let i = 0; i < 300; i++) {
    steps[Math.floor(random() * steps.length)]?.()
    await settled()
    paint()
    const shown = store.getState().data ?? []
    if (hasSnapshots) continue
    // Whatever is shown before it came, nothing is there twice, and what has come is there in order.
    expect(new Set(shown).size).toBe(shown.length)
    expect(shown.slice(0, told)).toEqual(fold(told))
  }
  for (const { reject } of sent) reject(new Error('refused'))
  for (const { n, resolve } of stored) resolve({ id: `${n}-0` })
  await settled()
  while (isSnapshotDue || told < log.length) deliver()
  paint()
  expect(log.length).toBeGreaterThan(30)
  expect(store.getState().data).toEqual(fold())
}

describe('a store through everything that can happen', () => {
  const seeds = range(1, 60)

  it('has each event once and in order, and shows none twice', async () => {
    for (const seed of seeds) await simulate(seed, { reduce: append, hasSnapshots: false })
  })

  it('shows no event for longer than it is pending, with snapshots in between', async () => {
    for (const seed of seeds) await simulate(seed, { reduce: newest, hasSnapshots: true })
  })
})
