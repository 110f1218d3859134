export type { ShutdownServer } from './close-server.ts'
export {
  type GracefulShutdown,
  type GracefulShutdownOptions,
  gracefulShutdown,
} from './graceful-shutdown.ts'
export type { ProbePaths, RequestSource } from './probes.ts'
