import { expect, it } from 'vitest'
import { startRedis } from '../../support/redis.ts'
import { compareWithRedis, describeComparison } from './compare.ts'

it('the model of Redis does what Redis does, in random sequences of commands and calls', async () => {
  await using server = await startRedis()
  const compared = await compareWithRedis(server, { from: 1, sequences: 200, forMs: 10_000 })
  expect(compared.sequences).toBeGreaterThanOrEqual(10)
  expect(describeComparison(compared)).toMatch(/^\d+ sequences of \d+ commands, 0 differences$/)
})
