import { type ChatTransport, generateId, type UIMessage, type UIMessageChunk } from 'ai'
import { type FollowRun, type ReadRunOptions, readRun, streamOf } from '../follow.ts'
import { createTake } from '../text-parts.ts'
import { chunkText } from './chunk-text.ts'

/** A run that answers in a chat. */
export interface ChatRun {
  readonly chatId: string
  readonly runId: string
}

/** A request of a chat: the arguments of the SDK's `sendMessages`, and the run that will answer. */
export interface ChatRequest<TMessage extends UIMessage> extends ChatRun {
  /** The conversation so far. Its last message is the one to answer. */
  readonly messages: TMessage[]
  readonly trigger: 'submit-message' | 'regenerate-message'
  /** The message to regenerate, if any. */
  readonly messageId: string | undefined
  /** What the app passed to `sendMessage` as `body`. */
  readonly body: object | undefined
  /** What the app passed to `sendMessage` as `metadata`. */
  readonly metadata: unknown
}

/** Options of {@link createChatTransport}. */
export interface RunChatTransportOptions<TMessage extends UIMessage> {
  /**
   * Starts the run: calls the app's mutation with the run's id. If it rejects, the chat gets the
   * error. If the same messages are sent again after that, the run has the same id.
   */
  readonly start: (request: ChatRequest<TMessage>) => Promise<unknown>
  /** Subscribes to the run: `(run, observer) => client.onAnswer.subscribe(run, observer)`. */
  readonly follow: FollowRun<ChatRun, UIMessageChunk>
  /** Stops the run: calls the app's mutation. */
  readonly stop: (run: ChatRun) => Promise<unknown>
  /**
   * Returns the id of the run to resume in a chat, or `null` if there is none. Calls the app's
   * query. It may return a run that has ended: the chat then shows its answer, or its error.
   */
  readonly findRun: (chatId: string) => Promise<string | null>
  /**
   * Creates the id of a run.
   *
   * @default `generateId` of the AI SDK
   */
  readonly generateRunId?: () => string
}

/** A `ChatTransport` over runs. */
export interface RunChatTransport<TMessage extends UIMessage> extends ChatTransport<TMessage> {
  /**
   * Stops the run that answers in a chat, for all its followers. Use it for the stop button. The
   * SDK's own `stop`, which it also calls when a component unmounts, only leaves the run.
   */
  stop(chatId: string): Promise<void>
}

type ReadOptions = Pick<ReadRunOptions<UIMessageChunk>, 'signal' | 'start'>

/**
 * Creates a transport for `useChat` and `Chat` of the AI SDK. An answer is a run: it continues when
 * the page reloads, and any tab, device or server can follow it. With `useChat({ resume: true })`,
 * a chat that is opened resumes.
 *
 * If a run fails, is abandoned or never begins, the chat has an `error`.
 */
export function createChatTransport<TMessage extends UIMessage = UIMessage>(
  options: RunChatTransportOptions<TMessage>,
): RunChatTransport<TMessage> {
  const { start, follow, findRun, generateRunId = generateId } = options
  /** The runs that are followed, by chat. */
  const running = new Map<string, string>()
  /** Requests whose outcome is unknown, by chat. Their runs may have begun. */
  const unanswered = new Map<string, { readonly runId: string; readonly messages: string }>()

  const read = (run: ChatRun, options: ReadOptions): ReadableStream<UIMessageChunk> => {
    const { chatId, runId } = run
    running.set(chatId, runId)
    const chunks = readRun<UIMessageChunk>({
      ...options,
      follow: (observer) => follow({ chatId, runId }, observer),
      take: createTake(chunkText),
      onEnd(hasBegun) {
        if (running.get(chatId) === runId) running.delete(chatId)
        if (hasBegun) forget(run)
      },
    })
    return streamOf(chunks)
  }
  /** Forgets a request. Its messages then start another run if they are sent again. */
  const forget = ({ chatId, runId }: ChatRun): void => {
    if (unanswered.get(chatId)?.runId === runId) unanswered.delete(chatId)
  }

  return {
    // Each reader of a run gets all of its chunks.
    resumeStreamIsReplay: true,
    async sendMessages({ chatId, messages, trigger, messageId, body, metadata, abortSignal }) {
      const sent = JSON.stringify(messages)
      const before = unanswered.get(chatId)
      const runId = before?.messages === sent ? before.runId : generateRunId()
      const run = { chatId, runId }
      unanswered.set(chatId, { runId, messages: sent })
      const startRun = async (): Promise<void> => {
        await start({ ...run, messages, trigger, messageId, body, metadata })
        forget(run)
      }
      return read(run, { signal: abortSignal, start: startRun })
    },
    async reconnectToStream({ chatId, abortSignal }) {
      const runId = await findRun(chatId)
      return runId === null ? null : read({ chatId, runId }, { signal: abortSignal })
    },
    async stop(chatId) {
      const runId = running.get(chatId) ?? (await findRun(chatId))
      if (runId === null) return
      forget({ chatId, runId })
      await options.stop({ chatId, runId })
    },
  }
}
