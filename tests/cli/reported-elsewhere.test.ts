/** Failures that users of other command lines have reported, tried on ours. */
import { redisBackend } from '@trpc-sse/redis'
import { channel, createChannels } from '@trpc-sse/server'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { cli } from '../support/cli.ts'
import { listen } from '../support/http.ts'
import { startRedis } from '../support/redis.ts'

// https://github.com/leonchen83/redis-rdb-cli/issues/27
// https://github.com/redis/node-redis/issues/1728
it('a password may have any characters, encoded as in every URL', async () => {
  await using redis = await startRedis()
  const password = 'a%b@c:d/e#f?g h'
  await redis.admin.config('SET', 'requirepass', password)
  const at = (text: string): string => redis.url.replace('redis://', `redis://:${text}@`)
  const right = await cli(['channels', '--redis', at(encodeURIComponent(password))])
  expect([right.code, right.notes]).toEqual([0, [expect.stringContaining('no logs')]])
  const unencoded = await cli(['channels', '--redis', at('100%')])
  expect([unencoded.code, unencoded.notes.join()]).toEqual([2, expect.stringContaining('%25')])
})

// https://github.com/gitroomhq/postiz-app/issues/1003
// https://github.com/Kuadrant/limitador/issues/360
it('a wrong password is not printed', async () => {
  await using redis = await startRedis()
  await redis.admin.config('SET', 'requirepass', 'right')
  const url = redis.url.replace('redis://', 'redis://default:THIS_IS_MY_PASSWORD@')
  for (const args of [['channels'], ['tail', 'a'], ['doctor'], ['publish', 'a', '--data', '1']]) {
    const { code, lines, notes } = await cli([...args, '--redis', url])
    expect(code).toBe(3)
    expect(notes.join()).toContain('WRONGPASS')
    expect([...lines, ...notes].join()).not.toContain('PASSWORD')
  }
})

// https://github.com/marmot-protocol/mdk/issues/993
it('an event can’t write to the clipboard, move the cursor or hide a text', async () => {
  await using redis = await startRedis()
  const channels = createChannels({
    backend: redisBackend({ url: redis.url }, { onStatus: () => {} }),
    channels: { chat: channel({ event: z.string() }) },
  })
  const hidden = [...'ignore the rest'].map((char) =>
    String.fromCodePoint(0xe0000 + (char.codePointAt(0) ?? 0)),
  )
  const text = `\u001b]52;c;aGFja2Vk\u0007\u001b]8;;http://evil\u001b\\click\u001b[1A\u202e${hidden.join('')}`
  await channels.chat().publish(text)
  await channels.close()
  for (const json of [[], ['--json']]) {
    const { lines } = await cli(['history', 'chat', ...json], { env: { REDIS_URL: redis.url } })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[\u0020-\u007e]+$/)
    if (json.length > 0) expect(JSON.parse(lines[0] ?? '').data).toBe(text)
  }
})

// https://github.com/theturtle32/WebSocket-Node/issues/272
it('load says why no client got a stream, down to the cause', async () => {
  const closed = await listen((_request, response) => response.end())
  await closed[Symbol.asyncDispose]()
  const args = ['--path', 'onNews', '--clients', '1', '--seconds', '1']
  const refused = await cli(['load', closed.url, ...args])
  expect([refused.code, refused.notes.join()]).toEqual([3, expect.stringContaining('ECONNREFUSED')])
  await using loop = await listen((_request, response) => {
    response.writeHead(307, { location: '/again' }).end()
  })
  const redirected = await cli(['load', loop.url, ...args])
  expect([redirected.code, redirected.notes.join()]).toEqual([3, expect.stringMatching(/redirect/)])
})
