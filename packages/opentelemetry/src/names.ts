/** Attributes of the semantic conventions for messaging (development status, version 1.45). */
export const attributes = {
  system: 'messaging.system',
  operation: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  /** The channel's name. Its params are left out: they may be personal, and there are many. */
  destination: 'messaging.destination.template',
  messageId: 'messaging.message.id',
  batchCount: 'messaging.batch.message_count',
  error: 'error.type',
  /** Not of the conventions. */
  path: 'trpc.path',
  reason: 'trpc_sse.reason',
  cause: 'trpc_sse.read.cause',
  limit: 'trpc_sse.limit',
} as const

/** The value of `messaging.system`. */
export const system = 'trpc_sse'
