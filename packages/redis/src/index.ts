export type { RedisTarget } from './clients.ts'
export type { RedisCredentials } from './credentials.ts'
export { type RedisBackendOptions, redisBackend } from './redis-backend.ts'
