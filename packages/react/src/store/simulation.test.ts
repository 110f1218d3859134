import { describe, expect, it } from 'vitest'
import { manualFrames, manualSubscription } from '../../../../tests/support/manual-subscription.ts'
import { range } from '../../../../tests/support/numbers.ts'
import { seededRandom } from '../../../../tests/support/seeded-random.ts'
import { createConnections } from './connections.ts'
import { LiveStore, type StoreConfig } from './live-store.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Sent {
  readonly n: number
  resolve(answer: { readonly id: string }): void
  reject(error: Error): void
}

type Reduce = StoreConfig<readonly number[], Error>['reduce']

/** A list that shows a repeated event twice. */
const append: Reduce = (list, n) => [...list, n as number]
/** The newest number of each kind: an event shown for too long hides later ones. */
const newest: Reduce = (list, n) =>
  [0, 1, 2].map((kind) => ((n as number) % 3 === kind ? (n as number) : (list[kind] ?? 0)))

/** Runs a store against a log of numbers, with random deliveries, mutations and reconnects. */
async function simulate(
  seed: number,
  { reduce, hasSnapshots }: { reduce: Reduce; hasSnapshots: boolean },
) {
  const random = seededRandom(seed)
  const { frames, paint } = manualFrames()
  const server = manualSubscription()
  const store = new LiveStore<readonly number[], Error>(
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
  // Mutations whose event is in the log, but whose answer is still on its way.
  const stored: Sent[] = []
  let leave = store.subscribe(() => {})
  let delivered = 0
  let isSnapshotDue = hasSnapshots
  let position = hasSnapshots ? '' : '0-0'
  let last = 0
  const fold = (to = log.length): readonly number[] =>
    log.slice(0, to).reduce<readonly number[]>((state, n) => reduce(state, n, { id: '' }), [])

  function deliver(): void {
    const n = log[delivered]
    if (isSnapshotDue) {
      delivered = log.length
      server.snapshot(`${log.at(-1) ?? 0}-0`, fold())
    } else if (n !== undefined) {
      delivered += 1
      server.event(n)
    } else return
    isSnapshotDue = false
    position = `${log[delivered - 1] ?? 0}-0`
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
    // No event is shown twice, and those that have arrived are in order.
    expect(new Set(shown).size).toBe(shown.length)
    expect(shown.slice(0, delivered)).toEqual(fold(delivered))
  }
  for (const { reject } of sent) reject(new Error('refused'))
  for (const { n, resolve } of stored) resolve({ id: `${n}-0` })
  await settled()
  while (isSnapshotDue || delivered < log.length) deliver()
  paint()
  expect(log.length).toBeGreaterThan(30)
  expect(store.getState().data).toEqual(fold())
}

describe('a store under random events', () => {
  const seeds = range(1, 60)

  it('applies each event once and in order, and shows none twice', async () => {
    for (const seed of seeds) await simulate(seed, { reduce: append, hasSnapshots: false })
  })

  it('shows no event for longer than it is pending, with snapshots in between', async () => {
    for (const seed of seeds) await simulate(seed, { reduce: newest, hasSnapshots: true })
  })
})
