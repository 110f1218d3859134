import { describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { textOf } from './app.ts'
import { useDeployment } from './deployment.ts'
import { endless } from './endless.ts'
import { followByLoop } from './followers.ts'

const deployment = useDeployment()

let count = 0
const newId = (): string => `run${count++}`

it('of two processes that produce a run at the same moment, one runs', async () => {
  const producers = await Promise.all([deployment().startProducer(), deployment().startProducer()])
  const ids = range(1, 40).map(newId)
  const followers = ids.map((id) => followByLoop(deployment().app, id))
  for (const id of ids)
    for (const producer of producers) producer.produce({ id, words: 5, everyMs: 5 })
  const results = (
    await Promise.all(producers.map(({ results: inbox }) => inbox.takeMany(ids.length)))
  ).flat()
  for (const [i, id] of ids.entries()) {
    const both = results.filter((result) => result.id === id)
    expect(both.filter(({ status }) => status === 'completed')).toHaveLength(1)
    expect(both.filter(({ yielded }) => yielded > 0)).toHaveLength(1)
    expect(await followers[i]?.outcome).toEqual({ text: textOf(id, 5), end: 'completed' })
  }
  await Promise.all(producers.map((producer) => producer.kill()))
})

describe('a run is stopped', () => {
  it('by two processes at once, while it is produced', async () => {
    const id = newId()
    const followers = deployment().follow(id)
    const producing = deployment().app.channels.answer({ id }).produce(endless)
    await Promise.all(followers.map((follower) => follower.received(3)))
    const stops = await Promise.all([
      deployment().app.channels.answer({ id }).stop({ reason: 'here' }),
      deployment().otherApp.channels.answer({ id }).stop({ reason: 'there' }),
    ])
    expect(stops[0]).toEqual(stops[1])
    expect(await producing).toEqual({ status: 'stopped' })
    const outcomes = await Promise.all(followers.map(({ outcome }) => outcome))
    const { value, ...status } = await deployment().otherApp.channels.answer({ id }).status()
    expect(status).toEqual(stops[0])
    expect(outcomes).toEqual(followers.map(() => ({ text: value, end: 'stopped' })))
  })

  it('before it starts, while a follower is already waiting, and then never starts', async () => {
    const id = newId()
    const followers = deployment().follow(id)
    await Promise.all(followers.map((follower) => follower.received(1)))
    await deployment().otherApp.channels.answer({ id }).stop()
    expect(await deployment().app.channels.answer({ id }).produce(endless)).toEqual({
      status: 'alreadyEnded',
    })
    const outcomes = await Promise.all(followers.map(({ outcome }) => outcome))
    expect(outcomes).toEqual(followers.map(() => ({ text: '', end: 'stopped' })))
  })

  it('at the moment at which it starts, at the latest when it has started', async () => {
    for (let round = 0; round < 20; round++) {
      const id = newId()
      const [produced] = await Promise.all([
        deployment().app.channels.answer({ id }).produce(endless),
        deployment().otherApp.channels.answer({ id }).stop(),
      ])
      expect(['stopped', 'alreadyEnded']).toContain(produced.status)
      expect((await deployment().otherApp.channels.answer({ id }).status()).status).toBe('stopped')
    }
  })

  it('after its end without effect', async () => {
    const id = newId()
    const source = async function* () {
      yield 'all'
    }
    await deployment().app.channels.answer({ id }).produce(source)
    expect(await deployment().otherApp.channels.answer({ id }).stop({ reason: 'late' })).toEqual({
      status: 'completed',
    })
    expect(await deployment().otherApp.channels.answer({ id }).status()).toEqual({
      status: 'completed',
      value: 'all',
    })
  })
})
