import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { range } from '../support/numbers.ts'
import { type App, createApp, textOf } from './app.ts'
import { followByLoop } from './followers.ts'
import { type Stage, setStage } from './stage.ts'

let stage: Stage
let other: App
beforeAll(async () => {
  stage = await setStage()
  other = createApp(stage.redis.url)
})
afterAll(async () => {
  await other.channels.close()
  await stage[Symbol.asyncDispose]()
})

let count = 0
const newId = (): string => `run${count++}`

/** Yields words until the signal aborts, or for ever. */
async function* endless({ signal }: { readonly signal: AbortSignal }) {
  for (let word = 0; !signal.aborted; word++) {
    yield `${word} `
    await setTimeout(5)
  }
}

it('of two processes that produce a run at the same moment, one runs', async () => {
  const producers = await Promise.all([stage.startProducer(), stage.startProducer()])
  const ids = range(1, 40).map(newId)
  const followers = ids.map((id) => followByLoop(stage.app, id))
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
    const followers = stage.follow(id)
    const producing = stage.app.channels.answer({ id }).produce(endless)
    await Promise.all(followers.map((follower) => follower.received(3)))
    const stops = await Promise.all([
      stage.app.channels.answer({ id }).stop({ reason: 'here' }),
      other.channels.answer({ id }).stop({ reason: 'there' }),
    ])
    expect(stops[0]).toEqual(stops[1])
    expect(await producing).toEqual({ status: 'stopped' })
    const outcomes = await Promise.all(followers.map(({ outcome }) => outcome))
    const { value, ...status } = await other.channels.answer({ id }).status()
    expect(status).toEqual(stops[0])
    expect(outcomes).toEqual(followers.map(() => ({ text: value, end: 'stopped' })))
  })

  it('before it starts, while a follower is already waiting, and then never starts', async () => {
    const id = newId()
    const followers = stage.follow(id)
    await Promise.all(followers.map((follower) => follower.received(1)))
    await other.channels.answer({ id }).stop()
    expect(await stage.app.channels.answer({ id }).produce(endless)).toEqual({
      status: 'alreadyEnded',
    })
    const outcomes = await Promise.all(followers.map(({ outcome }) => outcome))
    expect(outcomes).toEqual(followers.map(() => ({ text: '', end: 'stopped' })))
  })

  it('at the moment at which it starts, at the latest when it has started', async () => {
    for (let round = 0; round < 20; round++) {
      const id = newId()
      const [produced] = await Promise.all([
        stage.app.channels.answer({ id }).produce(endless),
        other.channels.answer({ id }).stop(),
      ])
      expect(['stopped', 'alreadyEnded']).toContain(produced.status)
      expect((await other.channels.answer({ id }).status()).status).toBe('stopped')
    }
  })

  it('after its end without effect', async () => {
    const id = newId()
    const source = async function* () {
      yield 'all'
    }
    await stage.app.channels.answer({ id }).produce(source)
    expect(await other.channels.answer({ id }).stop({ reason: 'late' })).toEqual({
      status: 'completed',
    })
    expect(await other.channels.answer({ id }).status()).toEqual({
      status: 'completed',
      value: 'all',
    })
  })
})
