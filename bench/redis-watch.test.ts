import { expect, it } from 'vitest'
import { startRedis } from '../tests/support/redis.ts'
import { countReads, createRedisWatch, parseInfo } from './redis-watch.ts'

it('reads the numbers of INFO', () => {
  const info = parseInfo('# CPU\r\nused_cpu_sys:1.25\r\nused_cpu_user:0.5\r\nrole:master\r\n')
  expect(Object.fromEntries(info)).toEqual({ used_cpu_sys: 1.25, used_cpu_user: 0.5 })
})

it('counts reads of logs, and nothing else', () => {
  const stats = [
    'cmdstat_xrange:calls=3,usec=9,usec_per_call=3.00',
    'cmdstat_xread:calls=20,usec=9',
    'cmdstat_xrevrange:calls=100,usec=9',
    'cmdstat_xadd:calls=7,usec=9',
    'cmdstat_evalsha:calls=9,usec=9',
  ]
  expect(countReads(stats.join('\r\n'))).toBe(123)
  expect(countReads('')).toBe(0)
})

it('counts what a script reads', async () => {
  await using redis = await startRedis()
  const watch = createRedisWatch(redis.admin)
  await redis.admin.xadd('log', '*', 'a', '1')
  expect(await watch.reads()).toBe(0)
  await redis.admin.xrange('log', '-', '+')
  await redis.admin.eval("return redis.call('XRANGE', KEYS[1], '-', '+')", 1, 'log')
  expect(await watch.reads()).toBe(2)
  expect(await watch.cpuUs()).toBeGreaterThan(0)
})
