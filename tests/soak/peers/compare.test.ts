import { expect, it } from 'vitest'
import { soakPeer } from './compare.ts'

it('delivers everything to every client while nothing fails', async () => {
  const { published, clients } = await soakPeer({
    name: 'trpc-sse',
    seed: 1,
    durationMs: 0,
    settleMs: 0,
  })
  expect(published).toBeGreaterThan(0)
  expect(clients).toHaveLength(6)
  for (const { received, lost, repeated } of clients)
    expect({ received, lost, repeated }).toEqual({ received: published, lost: 0, repeated: 0 })
})
