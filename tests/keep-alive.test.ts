import { once } from 'node:events'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Program, startProgram } from './support/program.ts'
import { freePort, startRedis } from './support/redis.ts'

const program = new URL('support/waiting.ts', import.meta.url).pathname

function start(name: string, port = 1): Program {
  return startProgram(process.execPath, [program, name, `redis://127.0.0.1:${port}`])
}

/** Waits until a process has exited by itself. */
async function ended({ child }: Program): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}

describe('a process stays alive while it waits for', () => {
  it('an event of Redis, though Redis is not there yet', async () => {
    const port = await freePort()
    await using waiting = start('an event of Redis', port)
    await waiting.says(/error .*didn't answer/)
    await using redis = await startRedis({ port })
    const channels = createChannels({
      backend: redisBackend({ url: redis.url }),
      channels: { numbers: channel({ event: z.number() }) },
    })
    await channels.numbers().publish(7)
    await waiting.says(/event 7/)
    expect(await ended(waiting)).toBe(0)
    await channels.close()
  })

  it.each(['publish to Redis', 'publishMany to Redis', 'history of Redis', 'lastEventId of Redis'])(
    '%s, until that is rejected',
    async (name) => {
      await using waiting = start(name)
      await waiting.says(/rejected BACKEND_UNAVAILABLE/)
    },
  )

  it('an event in memory, though only timers that keep nothing alive can bring it', async () => {
    await using waiting = start('an event in memory')
    await waiting.says(/still here\nevent 1/)
    expect(await ended(waiting)).toBe(0)
  })

  it('a server that it has subscribed to, and that is not there', async () => {
    await using waiting = start('a reconnect of the client link')
    await waiting.says(/still here/)
    expect(await ended(waiting)).toBe(0)
  })
})

describe('a process ends by itself when it waits for nothing', () => {
  it.each([
    'an iteration was ended by break',
    'an iteration was ended by its signal',
    'an iteration was ended by return, while it waited for Redis',
    'all was closed, while something waited for Redis',
  ])('%s', async (what) => {
    await using waiting = start(`nothing: ${what}`)
    await waiting.says(/done/)
    expect(await ended(waiting)).toBe(0)
    await expect(waiting.says(/still here/)).rejects.toThrow('ended')
  })

  it('the client link has unsubscribed', async () => {
    await using waiting = start('nothing: the client link has unsubscribed')
    expect(await ended(waiting)).toBe(0)
  })
})
