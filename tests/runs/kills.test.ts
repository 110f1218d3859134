import { describe, expect, it } from 'vitest'
import { textOf } from './app.ts'
import { type ProducerProcess, useDeployment } from './deployment.ts'
import type { Outcome } from './followers.ts'
import { atOnce, below, everyMs, factor, newIds, seed, words } from './kill-plan.ts'
import type { ProduceCommand } from './producer.ts'

const deployment = useDeployment()

type Fault = NonNullable<ProduceCommand['fault']>
type Runs = readonly { readonly id: string; readonly outcome: Outcome }[]

/**
 * Produces runs, one of which may have a fault, and calls `during` meanwhile. Checks that all
 * followers of a run agree.
 */
async function produceAll(
  producer: ProducerProcess,
  during: (received: (items: number) => Promise<void>) => Promise<void>,
  fault?: Fault,
): Promise<Runs> {
  const ids = newIds()
  const followed = ids.map((id) => deployment().follow(id))
  const faulty = ids[below(atOnce)]
  for (const id of ids)
    producer.produce({ id, words, everyMs, ...(fault && id === faulty && { fault }) })
  const received = async (items: number): Promise<void> =>
    await followed[below(atOnce)]?.[below(4)]?.received(items)
  await during(received)
  const outcomes = await Promise.all(
    followed.map((followers) => Promise.all(followers.map(({ outcome }) => outcome))),
  )
  return ids.map((id, i) => ({ id, outcome: agreed(id, outcomes[i] ?? []) }))
}

/** Returns the outcome on which all followers agree. */
function agreed(id: string, outcomes: readonly Outcome[]): Outcome {
  const [first = { text: '', end: 'no follower' }] = outcomes
  for (const outcome of outcomes) expect(outcome, `seed ${seed}, ${id}`).toEqual(first)
  return first
}

/** Checks the outcome of runs that must have completed. */
async function expectComplete(runs: Runs): Promise<void> {
  for (const { id, outcome } of runs) {
    expect(outcome, `seed ${seed}`).toEqual({ text: textOf(id, words), end: 'completed' })
    expect(await deployment().app.channels.answer({ id }).status()).toEqual({
      status: 'completed',
      value: textOf(id, words),
    })
  }
}

/** Checks the outcome of runs whose producer is gone. Some may have been complete before. */
async function expectAbandoned(runs: Runs): Promise<void> {
  const complete = runs.filter(({ outcome }) => outcome.end === 'completed')
  await expectComplete(complete)
  for (const { id, outcome } of runs.filter((each) => !complete.includes(each))) {
    expect(outcome.end, `seed ${seed}, ${id}`).toBe('CONFLICT')
    expect(textOf(id, words).startsWith(outcome.text), `seed ${seed}, ${id}`).toBe(true)
    expect(await deployment().app.channels.answer({ id }).status()).toEqual({
      status: 'abandoned',
      value: outcome.text,
    })
  }
  expect(complete.length).toBeLessThan(runs.length)
}

describe(`runs on two servers, seed ${seed},`, () => {
  it('are abandoned for all followers alike when their producer is killed at any word', async () => {
    for (let round = 0; round < 3 * factor; round++) {
      const producer = await deployment().startProducer()
      const fault = { signal: 'SIGKILL', word: below(words) } as const
      await expectAbandoned(await produceAll(producer, () => producer.gone(), fault))
    }
  })

  it('get no more deltas from a producer that was frozen for longer than its lease', async () => {
    for (let round = 0; round < 2 * factor; round++) {
      const producer = await deployment().startProducer()
      const fault = { signal: 'SIGSTOP', word: below(words) } as const
      const runs = await produceAll(producer, async () => {}, fault)
      producer.resume()
      const results = await producer.results.takeMany(atOnce)
      for (const { id, outcome } of runs) {
        const status = outcome.end === 'completed' ? 'completed' : 'abandoned'
        expect(results).toContainEqual(expect.objectContaining({ id, status }))
      }
      await expectAbandoned(runs)
      await producer.kill()
    }
  })

  it('are followed to their end when a server is killed', async () => {
    const producer = await deployment().startProducer()
    for (let round = 0; round < 3 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        await received(1 + below(12))
        await deployment().replaceServer(round % 2 === 0 ? 0 : 1)
      })
      await expectComplete(runs)
    }
    await producer.kill()
  })

  it('are followed to their end when the sockets of clients are cut', async () => {
    const producer = await deployment().startProducer()
    for (let round = 0; round < 5 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        for (const item of [1, 4, 8, 12]) {
          await received(item + below(4))
          deployment().proxies[below(2) === 0 ? 0 : 1].cut()
        }
      })
      await expectComplete(runs)
    }
    await producer.kill()
  })

  it('show the same in a tab that is opened in place of one that was killed', async () => {
    const producer = await deployment().startProducer()
    /** Kills a tab at any word, and follows the run in another one. */
    async function replaceTab(id: string): Promise<void> {
      const followers = deployment().follow(id)
      producer.produce({ id, words, everyMs: 4 * everyMs })
      const killed = await deployment().openTab(id, 0, 1 + below(12))
      killed.kill()
      const { outcome } = await deployment().openTab(id, 1, 1)
      const outcomes = await Promise.all([outcome, ...followers.map((each) => each.outcome)])
      await expectComplete([{ id, outcome: agreed(id, outcomes) }])
    }
    for (let round = 0; round < factor; round++) await Promise.all(newIds().map(replaceTab))
    await producer.kill()
  })

  it('continue when Redis is killed and starts again with its log', async () => {
    const producer = await deployment().startProducer()
    for (let round = 0; round < 3 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        await received(1 + below(12))
        await deployment().redis.restart()
      })
      // If the restart takes longer than the lease, runs are abandoned, but keep everything that
      // they had.
      const isAbandoned = runs.some(({ outcome }) => outcome.end !== 'completed')
      await (isAbandoned ? expectAbandoned(runs) : expectComplete(runs))
      await producer.results.takeMany(atOnce)
    }
    await producer.kill()
  })
})
