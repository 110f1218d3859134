import { expect, it } from 'vitest'
import { startRedisCluster } from '../../../support/redis-cluster.ts'
import { describeComparison } from '../compare.ts'
import { compareWithCluster } from './compare-cluster.ts'

it('the model of a Cluster does what a Cluster does, in random sequences while slots move', async () => {
  await using cluster = await startRedisCluster()
  const compared = await compareWithCluster(cluster, { from: 1, sequences: 100, forMs: 5_000 })
  expect(compared.sequences).toBeGreaterThanOrEqual(5)
  expect(describeComparison(compared)).toMatch(/^\d+ sequences of \d+ commands, 0 differences$/)
})
