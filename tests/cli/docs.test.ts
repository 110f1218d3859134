import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { initTRPC } from '@trpc/server'
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { cli } from '../support/cli.ts'
import type { TestServer } from '../support/http.ts'
import { readPage } from '../support/pages.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { serveRouter } from '../support/router-server.ts'

const page = readPage('docs/cli.md')
const commands = [page, readPage('packages/cli/README.md')].flatMap(({ blocks }) =>
  blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => code.trim().replaceAll('\\\n', '').split('\n')),
)
const module = `
  import { redisBackend } from '@trpc-sse/redis'
  import { channel, createChannels } from '@trpc-sse/server'
  import { z } from 'zod'
  export const channels = createChannels({
    backend: redisBackend({ url: process.env.CLI_TEST_REDIS ?? '' }),
    channels: {
      chat: channel({ params: z.object({ room: z.string() }), event: z.object({ text: z.string() }) }),
    },
  })
`

let redis: RedisServer
let folder: string
let app: TestServer
let closeChannels: () => Promise<void>

beforeAll(async () => {
  redis = await startRedis()
  folder = await mkdtemp(join(import.meta.dirname, '../.docs-cli-'))
  await writeFile(join(folder, 'channels.ts'), module)
  const channels = createChannels({
    backend: redisBackend({ url: redis.url }),
    channels: {
      chat: channel({ params: z.object({ room: z.string() }), event: z.unknown() }),
    },
  })
  await channels.chat({ room: 'lobby' }).publish({ text: 'hello' })
  closeChannels = () => channels.close()
  const t = initTRPC.create()
  const onMessage = t.procedure
    .input(z.object({ room: z.string() }))
    .subscription((opts) => channels.chat(opts.input).subscribe(opts))
  app = await serveRouter(t.router({ onMessage }), { channels, heartbeatMs: 500 })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await closeChannels()
  await redis[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describe('the commands in the documentation', () => {
  it.each(commands)('%s', async (command) => {
    const local = command
      .replace('redis://localhost:6379', redis.url)
      .replace('https://api.example.com/trpc', app.url)
    const [npx, program, ...args] = wordsOf(local)
    expect([npx, program?.replace('@trpc-sse/cli', 'trpc-sse')]).toEqual(['npx', 'trpc-sse'])
    process.env.CLI_TEST_REDIS = redis.url
    const bounded = args[0] === 'tail' ? [...args, '--count', '1'] : args
    const { code, lines } = await cli(bounded, { env: { REDIS_URL: redis.url }, cwd: folder })
    delete process.env.CLI_TEST_REDIS
    expect(code).toBe(0)
    expect(lines.length).toBeGreaterThan(0)
  })
})

/** Splits a line as a shell does, if it has only words and single quotes. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word)
}
