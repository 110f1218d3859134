import { expect, it } from 'vitest'
import { z } from 'zod'
import { channel } from '../channel/definition.ts'
import { createChannels } from '../channels.ts'
import { merge } from './subscription.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

it('keeps an event that waits for its turn while its channel gets more', async () => {
  const channels = createChannels({
    channels: { room: channel({ params: z.string(), event: z.number() }) },
  })
  const [red, blue] = [channels.room('red'), channels.room('blue')]
  const reader = merge([red.subscribe(), blue.subscribe()])[Symbol.asyncIterator]()
  const next = async (): Promise<number | undefined> => (await reader.next()).value?.[1]
  const publish = async (
    ...events: ReadonlyArray<readonly [typeof red, number]>
  ): Promise<void> => {
    for (const [room, n] of events) await room.publish(n)
    await settled()
  }

  const first = next()
  await settled()
  await publish([red, 1])
  const seen = [await first]
  await publish([red, 2], [blue, 3])
  // Now 3 waits for its turn, while its channel gets another event.
  seen.push(await next())
  await publish([blue, 4])
  seen.push(await next(), await next())
  expect(seen).toEqual([1, 2, 3, 4])
  await channels.close()
})
