/** What is reported about a body. Its end or error may be reported more than once. */
export interface BodyListener {
  readonly onChunk: (chunk: Uint8Array) => void
  readonly onEnd: () => void
  readonly onError: (error: unknown) => void
}

/**
 * Returns a stream with the same bytes, which are read when they are asked for. When the signal
 * aborts, the stream fails with the signal's reason.
 */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  { onChunk, onEnd, onError }: BodyListener,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const source: UnderlyingDefaultSource<Uint8Array> = {
    start(controller) {
      signal.addEventListener('abort', () => {
        onError(signal.reason)
        controller.error(signal.reason)
        // A body that failed can't be cancelled.
        reader.cancel(signal.reason).catch(() => {})
      })
    },
    async pull(controller) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        onError(error)
        throw error
      })
      if (signal.aborted) return
      if (done) {
        onEnd()
        controller.close()
      } else {
        onChunk(value)
        controller.enqueue(value)
      }
    },
    cancel(reason) {
      onError(reason)
      return reader.cancel(reason)
    },
  }
  return new ReadableStream(source, { highWaterMark: 0 })
}
