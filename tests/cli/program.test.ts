import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { createInbox } from '../support/inbox.ts'
import { root } from '../support/pages.ts'
import { startProgram } from '../support/program.ts'
import { startRedis } from '../support/redis.ts'

/** Starts the program as a user does, in a process of its own. */
function start(args: readonly string[], redisUrl: string) {
  const bin = join(root, 'tests/node_modules/@trpc-sse/cli/src/bin.ts')
  const env = { ...process.env, REDIS_URL: redisUrl }
  const program = startProgram(process.execPath, [bin, ...args], { env, readsErrors: true })
  const lines = createInbox<string>()
  if (program.child.stdout) createInterface({ input: program.child.stdout }).on('line', lines.put)
  const exited = once(program.child, 'exit')
  return { ...program, lines, exited }
}

it('ends cleanly at SIGINT, and at a reader that has read enough', async () => {
  await using redis = await startRedis()
  const channels = createChannels({
    backend: redisBackend({ url: redis.url }),
    channels: { news: channel({ event: z.string() }) },
  })
  await channels.news().publish('one')
  await using tail = start(['tail', 'news'], redis.url)
  expect(await tail.lines.take()).toContain('"one"')
  tail.child.kill('SIGINT')
  expect(await tail.exited).toEqual([0, null])

  await using second = start(['tail', 'news'], redis.url)
  await second.lines.take()
  second.child.stdout?.destroy()
  await channels.news().publish('two')
  await channels.news().publish('three')
  expect(await second.exited).toEqual([0, null])
  await channels.close()
})

it('ends at SIGINT, though the server accepts connections and never answers', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  await using program = start(['channels'], `redis://127.0.0.1:${port}`)
  await once(silent, 'connection')
  program.child.kill('SIGINT')
  expect(await program.exited).toEqual([130, null])
  silent.close()
})

it.each([
  [['--help'], 0, /Usage: trpc-sse <command>/],
  [[], 2, /Usage: trpc-sse <command>/],
  [['tail', '--help'], 0, /Usage: trpc-sse tail <channel> \[params\]/],
  [['nothing\u001b[2J'], 2, /there is no command nothing\\u001b\[2J/],
])('%j exits with %i', async (args, code, output) => {
  await using program = start(args, 'redis://127.0.0.1:1')
  expect(await program.says(output)).toBeTruthy()
  expect(await program.exited).toEqual([code, null])
})
