import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { redisBackend } from '@trpc-sse/redis'
import type { ChannelLog, LogListener, StoredEvent } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { startRedis } from './support/redis.ts'
import { seededRandom } from './support/seeded-random.ts'

const log: ChannelLog = { key: 'log', retain: { events: 100_000, forMs: 600_000 } }
const publisher = new URL('support/publish-forever.ts', import.meta.url).pathname

interface Recorder extends LogListener {
  readonly events: readonly StoredEvent[]
  /** Resolves at the notification that follows `count` more. */
  after(count: number): Promise<void>
}

function createRecorder(): Recorder {
  const events: StoredEvent[] = []
  let check = (): void => {}
  return {
    events,
    onEvent(event) {
      events.push(event)
      check()
    },
    onInterrupted() {},
    after(count) {
      const enough = events.length + count
      return new Promise((resolve) => {
        check = () => {
          if (events.length > enough) resolve()
        }
      })
    },
  }
}

it('stores an event and notifies of it in one step: a publisher killed at any moment does both or neither', async () => {
  const seed = Math.floor(Math.random() * 2 ** 32)
  const random = seededRandom(seed)
  await using server = await startRedis()
  const backend = redisBackend({ url: server.url })
  const recorder = createRecorder()
  const { lastEventId: origin } = await backend.read(log, { last: 1, limit: 1 })
  await backend.listen(log, recorder)

  for (let round = 0; round < 6; round++) {
    const child = spawn(process.execPath, [publisher, server.url, `${round * 1_000_000}`], {
      stdio: 'inherit',
    })
    await recorder.after(Math.floor(random() * 500))
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const notified = recorder.after(0)
  await backend.append(log, ['end'])
  await notified

  const { events, lastEventId } = await backend.read(log, { after: origin, limit: 1_000_000 })
  // The log and the notifications have the same events, contiguous from the origin to the end, and
  // both payloads of each call.
  expect(recorder.events, `seed ${seed}`).toEqual(events)
  const prevs = [origin, ...events.map((event) => event.id)]
  expect(events.map((event) => event.prev)).toEqual(prevs.slice(0, -1))
  expect(lastEventId).toBe(prevs.at(-1))
  for (let i = 0; i + 1 < events.length; i += 2) {
    expect(Number(events[i + 1]?.data)).toBe(Number(events[i]?.data) + 1)
  }
  await backend.close()
})
