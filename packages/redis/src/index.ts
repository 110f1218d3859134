export type { RedisTarget } from './connection/clients.ts'
export type { RedisCredentials } from './connection/credentials.ts'
export type { RedisStatus } from './connection/outage.ts'
export { type RedisBackendOptions, redisBackend } from './redis-backend.ts'
