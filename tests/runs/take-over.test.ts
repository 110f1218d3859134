import { describe, expect, it } from 'vitest'
import { textOf } from './app.ts'
import { type ProducerProcess, useDeployment } from './deployment.ts'
import type { Outcome } from './followers.ts'
import { atOnce, below, everyMs, factor, newIds, seed, words } from './kill-plan.ts'
import type { ProduceCommand } from './producer.ts'

const deployment = useDeployment()

type Fault = NonNullable<ProduceCommand['fault']>

/** Produces runs on two processes: one of them has a fault, and the other waits for its turn. */
async function produceTwice(
  [faulty, standby]: readonly [ProducerProcess, ProducerProcess],
  fault: Fault,
): Promise<readonly string[]> {
  const ids = newIds()
  const followed = ids.map((id) => deployment().follow(id, 'relay'))
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
    for (let round = 0; round < 3 * factor; round++) {
      const [faulty, standby] = await Promise.all([
        deployment().startProducer(),
        deployment().startProducer(),
      ])
      await produceTwice([faulty, standby], { signal: 'SIGKILL', word: 10 + below(words - 10) })
      const results = await standby.results.takeMany(atOnce)
      expect(results.some(({ status }) => status === 'completed')).toBe(true)
      await standby.kill()
    }
  })

  it('get nothing from a producer that was frozen for longer than its lease', async () => {
    for (let round = 0; round < 2 * factor; round++) {
      const [faulty, standby] = await Promise.all([
        deployment().startProducer(),
        deployment().startProducer(),
      ])
      const fault = { signal: 'SIGSTOP', word: 10 + below(words - 10) } as const
      const ids = await produceTwice([faulty, standby], fault)
      faulty.resume()
      await faulty.results.takeMany(atOnce)
      for (const id of ids)
        expect(await deployment().app.channels.relay({ id }).status()).toEqual({
          status: 'completed',
          value: textOf(id, words),
        })
      await Promise.all([faulty.kill(), standby.kill()])
    }
  })
})
