import { setTimeout } from 'node:timers/promises'
import type { StateChange } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { setStage } from './stage.ts'

const staying = range(1, 20).map((i) => `staying ${i}`)
const leaving = range(1, 10).map((i) => `leaving ${i}`)

describe('presence on two instances', () => {
  it('has no ghosts and no false leaves: tabs, reloads, and an instance that is killed', async () => {
    await using stage = await setStage('lobby')
    const { door, instances, changes } = stage
    const [first, second] = instances
    // Each staying user has two tabs, on any instances; a leaving one has a tab on the first.
    const tabs = staying.map((user) => [
      stage.openTab(door.url, user),
      stage.openTab(door.url, user),
    ])
    const direct = leaving.map((user) => stage.openTab(`http://127.0.0.1:${first.port}`, user))
    await Promise.all([...tabs.flat(), ...direct].map(({ opened }) => opened))
    // A member is stored later if Redis doesn't answer in time.
    await expect.poll(() => stage.members()).toEqual([...leaving, ...staying].sort())

    // All tabs of a user reload at once, or one after the other.
    for (const [i, user] of staying.entries()) {
      for (const tab of tabs[i] ?? []) tab.close()
      await setTimeout(20)
      tabs[i] = [stage.openTab(door.url, user), stage.openTab(door.url, user)]
    }
    await Promise.all(tabs.flat().map(({ opened }) => opened))

    door.setPorts([second.port])
    await first.kill()
    await expect.poll(() => stage.members(), { interval: 250 }).toEqual([...staying].sort())

    // Nobody joined twice, and nobody left but those who could not come back.
    await expect.poll(() => keysOf(changes, 'removed')).toEqual([...leaving].sort())
    expect(keysOf(changes, 'set')).toEqual([...leaving, ...staying].sort())
  })

  it('ends with empty rooms when everybody has left', async () => {
    await using stage = await setStage('lobby')
    const tabs = staying.map((user) => stage.openTab(stage.door.url, user))
    await Promise.all(tabs.map(({ opened }) => opened))
    for (const tab of tabs) tab.close()
    await expect.poll(() => stage.members(), { interval: 250 }).toEqual([])
    await expect.poll(() => keysOf(stage.changes, 'removed')).toEqual([...staying].sort())
  })
})

function keysOf(changes: readonly StateChange<unknown>[], type: 'set' | 'removed'): string[] {
  return changes.flatMap((change) => (change.type === type ? change.key : [])).sort()
}
