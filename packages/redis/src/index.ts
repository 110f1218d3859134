export type { RedisTarget } from './commands/clients.ts'
export type { RedisCredentials } from './commands/credentials.ts'
export type { RedisStatus } from './commands/outage.ts'
export { type RedisBackendOptions, redisBackend } from './redis-backend.ts'
