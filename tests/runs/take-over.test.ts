import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { textOf } from './app.ts'
import type { Outcome } from './followers.ts'
import type { ProduceCommand } from './producer.ts'
import { type ProducerProcess, type Stage, setStage } from './stage.ts'

const seed = Number(process.env.RUNS_SEED ?? Math.floor(Math.random() * 2 ** 32))
/** Multiplies the number of kills. */
const factor = Number(process.env.RUNS_FACTOR ?? 1)
const random = seededRandom(seed)
const below = (count: number): number => Math.floor(random() * count)

const words = 60
const everyMs = 12
/** The number of runs at a time. */
const atOnce = 6

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

type Fault = NonNullable<ProduceCommand['fault']>
let count = 0

/** Produces runs on two processes: one of them has a fault, and the other waits for its turn. */
async function produceTwice(
  [faulty, standby]: readonly [ProducerProcess, ProducerProcess],
  fault: Fault,
): Promise<readonly string[]> {
  const ids = range(1, atOnce).map(() => `run${count++}`)
  const followed = ids.map((id) => stage.follow(id, 'relay'))
  const target = ids[below(atOnce)]
  const command = { kind: 'relay', words, everyMs } as const
  for (const id of ids) faulty.produce({ ...command, id, ...(id === target && { fault }) })
  // Once all runs have begun, the other process can only wait.
  await Promise.all(followed.map(([follower]) => follower?.received(3)))
  for (const id of ids) standby.produce({ ...command, id })
  for (const [i, id] of ids.entries()) {
    const whole: Outcome = { text: textOf(id, words), end: 'completed' }
    for (const { outcome } of followed[i] ?? [])
      expect(await outcome, `seed ${seed}, ${id}`).toEqual(whole)
  }
  return ids
}

describe(`runs that another process takes over, seed ${seed},`, () => {
  it('are completed word for word when their producer is killed at any word', async () => {
    for (let round = 0; round < 6 * factor; round++) {
      const [faulty, standby] = await Promise.all([stage.startProducer(), stage.startProducer()])
      await produceTwice([faulty, standby], { signal: 'SIGKILL', word: 10 + below(words - 10) })
      const results = await standby.results.takeMany(atOnce)
      expect(results.some(({ status }) => status === 'completed')).toBe(true)
      await standby.kill()
    }
  })

  it('get nothing from a producer that was frozen for longer than its lease', async () => {
    for (let round = 0; round < 3 * factor; round++) {
      const [faulty, standby] = await Promise.all([stage.startProducer(), stage.startProducer()])
      const fault = { signal: 'SIGSTOP', word: 10 + below(words - 10) } as const
      const ids = await produceTwice([faulty, standby], fault)
      faulty.resume()
      await faulty.results.takeMany(atOnce)
      for (const id of ids)
        expect(await stage.app.channels.relay({ id }).status()).toEqual({
          status: 'completed',
          value: textOf(id, words),
        })
      await Promise.all([faulty.kill(), standby.kill()])
    }
  })
})
