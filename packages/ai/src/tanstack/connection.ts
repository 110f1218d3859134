import type { ModelMessage, StreamChunk, UIMessage } from '@tanstack/ai'
import type { ResumableConnectConnectionAdapter, RunAgentInputContext } from '@tanstack/ai-client'
import { type FollowRun, readRun } from '../follow.ts'
import { createTake } from '../text-parts.ts'
import { chunkText } from './chunk-text.ts'

/** A run, by the id with which TanStack AI joins it. */
export interface ThreadRun {
  readonly runId: string
}

/** A request of a chat: the arguments of the SDK's `connect`. */
export interface RunConnectionRequest extends Omit<RunAgentInputContext, 'headers'> {
  /** The conversation so far. Its last message is the one to answer. */
  readonly messages: UIMessage[] | ModelMessage[]
  /** What the app passed as `body`, or to `sendMessage`. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Options of {@link createRunConnection}. */
export interface RunConnectionOptions
  extends Pick<ResumableConnectConnectionAdapter, 'hydrate' | 'hydrateGeneration'> {
  /**
   * Starts the run: calls the app's mutation with the run's id. If it rejects, the chat gets the
   * error.
   */
  readonly start: (request: RunConnectionRequest) => Promise<unknown>
  /** Subscribes to the run: `(run, observer) => client.onAnswer.subscribe(run, observer)`. */
  readonly follow: FollowRun<ThreadRun, StreamChunk>
  /** Stops the run: calls the app's mutation. */
  readonly stop: (run: ThreadRun) => Promise<unknown>
}

/** A connection of one chat to its runs. */
export interface RunConnection extends ResumableConnectConnectionAdapter {
  /**
   * Stops the runs that this connection follows, for all their followers. Use it for the stop
   * button. The SDK's own `stop` only leaves the run, as when a component unmounts.
   */
  stop(): Promise<void>
}

/**
 * Creates a connection for `useChat` and `ChatClient` of TanStack AI, one for each chat. An answer
 * is a run: it continues when the page reloads, and any tab, device or server can join it.
 *
 * `hydrate` calls the app's query for the messages of a chat and the run that answers, if any. With
 * `persistence: true`, a chat that is opened joins that run.
 *
 * If a run fails, is abandoned or never begins, the chat has an `error`.
 */
export function createRunConnection(options: RunConnectionOptions): RunConnection {
  const { start, follow, hydrate, hydrateGeneration } = options
  /** The ids of the runs that are followed. */
  const running = new Set<string>()

  const read = (
    runId: string,
    signal: AbortSignal | undefined,
    startRun?: () => Promise<unknown>,
  ): AsyncIterableIterator<StreamChunk> => {
    running.add(runId)
    return readRun<StreamChunk>({
      follow: (observer) => follow({ runId }, observer),
      ...(startRun && { start: startRun }),
      take: createTake(chunkText),
      signal,
      onEnd: () => void running.delete(runId),
    })
  }

  return {
    connect(messages, data = {}, signal, context) {
      if (!context) throw new Error('The chat client gave no run id: update @tanstack/ai-client.')
      const { headers: _, ...run } = context
      return read(run.runId, signal, () => start({ ...run, messages, data }))
    },
    joinRun: (runId, signal) => read(runId, signal),
    ...(hydrate && { hydrate }),
    ...(hydrateGeneration && { hydrateGeneration }),
    async stop() {
      await Promise.all([...running].map((runId) => options.stop({ runId })))
    },
  }
}
