/**
 * A type after a round trip through JSON, which has no `undefined`: `unknown` properties may be
 * missing.
 */
export type AsJson<T> = T extends unknown
  ? { [K in keyof T as unknown extends T[K] ? K : never]?: T[K] } & {
      [K in keyof T as unknown extends T[K] ? never : K]: T[K]
    }
  : never

/** A tracked item of `follow`, as a follower of a run gets it from tRPC. */
export interface FollowedItem<TChunk> {
  readonly data:
    | { readonly type: 'fold'; readonly value: readonly AsJson<TChunk>[] }
    | { readonly type: 'delta'; readonly data: AsJson<TChunk> }
    | { readonly type: 'caught-up' | 'end' }
}

/** The callbacks of a subscription to a run, as for a tRPC client's `subscribe`. */
export interface RunObserver<TChunk> {
  readonly onData: (item: FollowedItem<TChunk>) => void
  readonly onError: (error: Error) => void
  readonly onComplete: () => void
}

/** Subscribes to a run. Return the result of the tRPC client's `subscribe`. */
export type FollowRun<TRun, TChunk> = (
  run: TRun,
  observer: RunObserver<TChunk>,
) => { readonly unsubscribe: () => void }

/** Turns the items of a run into the chunks that its reader lacks. */
export type TakeItem<TChunk> = (item: FollowedItem<TChunk>['data']) => readonly TChunk[]

/** The options for reading a run. */
export interface ReadRunOptions<TChunk> {
  /** Subscribes to the run. */
  readonly follow: (observer: RunObserver<TChunk>) => { readonly unsubscribe: () => void }
  /**
   * Starts the run, which is already followed, so that its first chunks don't wait for the answer.
   * If it rejects, reading fails, unless a chunk has arrived: then only the answer was lost.
   */
  readonly start?: () => Promise<unknown>
  readonly take: TakeItem<TChunk>
  /** Leaves the run, which continues. The stream closes. */
  readonly signal: AbortSignal | undefined
  /** Called once, when the run has ended or was left. `hasBegun`: whether a chunk has arrived. */
  readonly onEnd?: (hasBegun: boolean) => void
}

/**
 * Follows a run at once, even before anybody reads, and passes its chunks to one reader. If the
 * subscription fails, the reader fails too, after the chunks that came before.
 */
export function readRun<TChunk>(options: ReadRunOptions<TChunk>): AsyncIterableIterator<TChunk> {
  const { follow, start, take, signal, onEnd } = options
  const chunks: TChunk[] = []
  let hasBegun = false
  let ended: { readonly error?: Error } | undefined
  let wake = (): void => {}
  const end = (how: { readonly error?: Error }): void => {
    if (ended) return
    ended = how
    signal?.removeEventListener('abort', leave)
    onEnd?.(hasBegun)
    wake()
  }
  const leave = (): void => {
    // End it first, because clients call `onComplete` when a subscriber leaves.
    end({})
    subscription.unsubscribe()
  }
  const subscription = follow({
    onData({ data }) {
      if (ended) return
      for (const chunk of take(data)) chunks.push(chunk)
      hasBegun ||= chunks.length > 0
      wake()
    },
    onError: (error) => end({ error }),
    onComplete: () => end({}),
  })
  start?.().catch((cause: unknown) => {
    if (hasBegun) return
    end({ error: cause instanceof Error ? cause : new Error(String(cause)) })
    subscription.unsubscribe()
  })
  if (signal?.aborted) leave()
  else if (!ended) signal?.addEventListener('abort', leave, { once: true })

  return {
    async next() {
      for (;;) {
        const value = chunks.shift()
        if (value !== undefined) return { done: false, value }
        if (ended?.error) throw ended.error
        if (ended) return { done: true, value: undefined }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async return() {
      chunks.length = 0
      leave()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

/** Returns a stream of an iterator's chunks. Each chunk is taken when it is read. */
export function streamOf<TChunk>(chunks: AsyncIterableIterator<TChunk>): ReadableStream<TChunk> {
  return new ReadableStream<TChunk>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => void (await chunks.return?.()),
    },
    // A stream that fails drops its queued chunks.
    { highWaterMark: 0 },
  )
}
