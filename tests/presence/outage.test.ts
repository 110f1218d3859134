import { it } from 'vitest'
import { range } from '../support/numbers.ts'
import { setStage } from './stage.ts'

const users = range(1, 20).map((i) => `user ${i}`)

// They wait for leases to end, each on its own Redis.
it.concurrent('members are back after Redis has lost all its data', async ({ expect }) => {
  await using stage = await setStage('lobby')
  const tabs = users.map((user) => stage.openTab(stage.door.url, user))
  await Promise.all(tabs.map(({ opened }) => opened))
  expect(await stage.members()).toEqual([...users].sort())
  await stage.redis.restart()
  await expect.poll(() => stage.members().catch(() => [])).toEqual([...users].sort())
})

it.concurrent('nobody leaves while Redis is frozen for longer than a lease', async ({ expect }) => {
  await using stage = await setStage('lobby')
  const tabs = users.map((user) => stage.openTab(stage.door.url, user))
  await Promise.all(tabs.map(({ opened }) => opened))
  stage.redis.freeze()
  await stage.wait(12_000)
  stage.redis.thaw()
  await stage.wait(15_000)
  expect(await stage.members()).toEqual([...users].sort())
  expect(stage.changes.filter(({ type }) => type === 'removed')).toEqual([])
})
