export type { RedisTarget } from './clients.ts'
export type { RedisCredentials } from './credentials.ts'
export type { RedisStatus } from './outage.ts'
export { type RedisBackendOptions, redisBackend } from './redis-backend.ts'
