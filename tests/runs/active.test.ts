import { expect, it } from 'vitest'
import { createInbox } from '../support/inbox.ts'
import { range } from '../support/numbers.ts'
import type { App } from './app.ts'
import { useDeployment } from './deployment.ts'

const deployment = useDeployment()

/** Follows the active runs of a chat: what starts, by id, and what ends. */
function watch({ channels }: App, chat: string) {
  const news = createInbox<string>()
  const leaving = new AbortController()
  void (async () => {
    for await (const [, item] of channels.relay.active(chat).live({ signal: leaving.signal })) {
      if (item.type === 'event') news.put(`${item.data.type} ${item.data.params.id}`)
      else news.put(`snapshot ${item.data.map(({ params }) => params.id).join()}`)
    }
  })()
  return { news, leave: () => leaving.abort() }
}

async function listed({ channels }: App, chat: string): Promise<string[]> {
  return (await channels.relay.active(chat).list()).map(({ params }) => params.id)
}

it('another device learns of runs that start later, and of their end', async () => {
  const producer = await deployment().startProducer()
  const { news, leave } = watch(deployment().otherApp, 'a')
  expect(await news.take()).toBe('snapshot ')
  for (const id of ['a-1', 'b-1']) producer.produce({ id, kind: 'relay', words: 20, everyMs: 10 })
  expect(await news.takeMany(2)).toEqual(['started a-1', 'ended a-1'])
  expect(await listed(deployment().otherApp, 'a')).toEqual([])
  leave()
  await producer.kill()
})

it('runs of a process that is killed end, unless another one takes them over', async () => {
  const [killed, standby] = await Promise.all([
    deployment().startProducer(),
    deployment().startProducer(),
  ])
  const { news, leave } = watch(deployment().otherApp, 'c')
  expect(await news.take()).toBe('snapshot ')
  const command = { kind: 'relay', words: 100, everyMs: 30 } as const
  const fault = { signal: 'SIGKILL', word: 30 } as const
  killed.produce({ ...command, id: 'c-1', fault })
  killed.produce({ ...command, id: 'c-2' })
  expect((await news.takeMany(2)).sort()).toEqual(['started c-1', 'started c-2'])
  standby.produce({ ...command, id: 'c-2' })
  await killed.gone()
  expect(await standby.results.take()).toMatchObject({ id: 'c-2', status: 'completed' })
  expect((await news.takeMany(2)).sort()).toEqual(['ended c-1', 'ended c-2'])
  expect(news.items).toHaveLength(5)
  leave()
  await standby.kill()
})

it('a hundred active runs are listed by every process', async () => {
  const stops = range(1, 100).map((n) => {
    const run = deployment().app.channels.relay({ id: `d-${n}` })
    void run.produce(async function* ({ signal }) {
      yield 'a'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    })
    return () => run.stop()
  })
  await expect.poll(() => listed(deployment().otherApp, 'd')).toHaveLength(100)
  const { news, leave } = watch(deployment().otherApp, 'd')
  expect((await news.take()).split(',')).toHaveLength(100)
  await Promise.all(stops.map((stop) => stop()))
  const ended = await news.takeMany(100)
  expect(new Set(ended).size).toBe(100)
  await expect.poll(() => listed(deployment().otherApp, 'd')).toEqual([])
  leave()
})
