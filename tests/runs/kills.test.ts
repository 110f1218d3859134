import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { textOf } from './app.ts'
import type { Outcome } from './followers.ts'
import type { ProduceCommand } from './producer.ts'
import { type ProducerProcess, type Stage, setStage } from './stage.ts'

const seed = Number(process.env.RUNS_SEED ?? Math.floor(Math.random() * 2 ** 32))
/** How many times as many kills. */
const factor = Number(process.env.RUNS_FACTOR ?? 1)
const random = seededRandom(seed)
const below = (count: number): number => Math.floor(random() * count)

const words = 60
const everyMs = 12
/** How many runs go on at a time. */
const atOnce = 6

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

let count = 0
function runIds(): string[] {
  return range(1, atOnce).map(() => `run${count++}`)
}

const commandFor = (id: string): ProduceCommand => ({ id, words, everyMs })

/** Produces runs, does something meanwhile, and checks that all of their followers agree. */
async function produceAll(
  producer: ProducerProcess,
  during: (received: (items: number) => Promise<void>, ids: readonly string[]) => Promise<void>,
) {
  const ids = runIds()
  const followed = ids.map((id) => stage.follow(id))
  for (const id of ids) producer.produce(commandFor(id))
  const received = async (items: number): Promise<void> =>
    await followed[below(atOnce)]?.[below(4)]?.received(items)
  await during(received, ids)
  const outcomes = await Promise.all(
    followed.map((followers) => Promise.all(followers.map(({ outcome }) => outcome))),
  )
  return ids.map((id, i) => ({ id, outcome: agreed(id, outcomes[i] ?? []) }))
}

/** The outcome that all followers have. */
function agreed(id: string, outcomes: readonly Outcome[]): Outcome {
  const [first = { text: '', end: 'no follower' }] = outcomes
  for (const outcome of outcomes) expect(outcome, `seed ${seed}, ${id}`).toEqual(first)
  return first
}

/** Checks the outcome of a run that nothing may have kept from its end. */
async function expectComplete(
  runs: readonly { readonly id: string; readonly outcome: Outcome }[],
): Promise<void> {
  for (const { id, outcome } of runs) {
    expect(outcome, `seed ${seed}`).toEqual({ text: textOf(id, words), end: 'completed' })
    expect(await stage.app.channels.answer({ id }).status()).toEqual({
      status: 'completed',
      value: textOf(id, words),
    })
  }
}

/** Checks the outcome of runs whose producer has gone before a word. */
async function expectAbandoned(
  runs: readonly { readonly id: string; readonly outcome: Outcome }[],
): Promise<void> {
  for (const { id, outcome } of runs) {
    expect(outcome.end, `seed ${seed}, ${id}`).toBe('CONFLICT')
    expect(textOf(id, words).startsWith(outcome.text), `seed ${seed}, ${id}`).toBe(true)
    expect(await stage.app.channels.answer({ id }).status()).toEqual({
      status: 'abandoned',
      value: outcome.text,
    })
  }
}

describe(`runs on two servers, seed ${seed},`, () => {
  it('are abandoned for all followers alike when their producer is killed at any word', async () => {
    for (let round = 0; round < 6 * factor; round++) {
      const producer = await stage.startProducer()
      const fault = { signal: 'SIGKILL', word: below(words) } as const
      const runs = await produceAll(producer, async (_, ids) => {
        producer.produce({ ...commandFor(`fault${count++}`), fault })
        expect(ids).toHaveLength(atOnce)
        await producer.gone()
      })
      await expectAbandoned(runs)
    }
  })

  it('get nothing more from a producer that was frozen for longer than its lease', async () => {
    for (let round = 0; round < 3 * factor; round++) {
      const producer = await stage.startProducer()
      const fault = { signal: 'SIGSTOP', word: below(words) } as const
      const runs = await produceAll(producer, async () => {
        producer.produce({ ...commandFor(`fault${count++}`), fault })
      })
      await expectAbandoned(runs)
      producer.resume()
      const results = await producer.results.takeMany(atOnce + 1)
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['abandoned']))
      await expectAbandoned(runs)
      await producer.kill()
    }
  })

  it('are followed to their end when a server is killed', async () => {
    const producer = await stage.startProducer()
    for (let round = 0; round < 5 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        await received(1 + below(12))
        await stage.replaceServer(round % 2 === 0 ? 0 : 1)
      })
      await expectComplete(runs)
    }
    await producer.kill()
  })

  it('are followed to their end when the sockets of clients are cut', async () => {
    const producer = await stage.startProducer()
    for (let round = 0; round < 10 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        for (const item of [1, 4, 8, 12]) {
          await received(item + below(4))
          stage.proxies[below(2) === 0 ? 0 : 1].cut()
        }
      })
      await expectComplete(runs)
    }
    await producer.kill()
  })

  it('go on when Redis is killed and starts again with its log', async () => {
    const producer = await stage.startProducer()
    for (let round = 0; round < 5 * factor; round++) {
      const runs = await produceAll(producer, async (received) => {
        await received(1 + below(12))
        await stage.redis.restart()
      })
      for (const run of runs) {
        // A restart that takes longer than the lease ends the run.
        if (run.outcome.end === 'completed') await expectComplete([run])
        else await expectAbandoned([run])
      }
      await producer.results.takeMany(atOnce)
    }
    await producer.kill()
  })
})
