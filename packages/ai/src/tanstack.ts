export type { ChunkDeltas } from './deltas.ts'
export type { AsJson, FollowedItem, FollowRun, RunObserver } from './follow.ts'
export {
  createRunConnection,
  type RunConnection,
  type RunConnectionOptions,
  type RunConnectionRequest,
  type ThreadRun,
} from './tanstack/connection.ts'
export { failOnError, streamDeltas } from './tanstack/deltas.ts'
export type { ChunkFold } from './text-parts.ts'
