import type { OptionSpecs } from '../options.ts'

/** The options of all commands that work on a Redis. */
export const redisOptions: OptionSpecs = {
  redis: { value: '<url>', help: 'the Redis; by default REDIS_URL, or redis://localhost:6379' },
  prefix: { value: '<text>', help: 'the prefix of redisBackend(); by default trpc-sse' },
  cluster: { help: 'the Redis is a Cluster' },
  sentinel: { value: '<name>', help: 'the URL is that of a Sentinel, which knows this master' },
}
