export { failOnError, toUIMessage, uiMessageDeltas } from './ai-sdk/deltas.ts'
export {
  type ChatRequest,
  type ChatRun,
  createChatTransport,
  type RunChatTransport,
  type RunChatTransportOptions,
} from './ai-sdk/transport.ts'
export type { ChunkDeltas } from './deltas.ts'
export type { AsJson, FollowedItem, FollowRun, RunObserver } from './follow.ts'
export type { ChunkFold } from './text-parts.ts'
