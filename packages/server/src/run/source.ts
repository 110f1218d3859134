import { RealtimeError } from '@trpc-sse/protocol'
import { ignoreRejection, isPromiseLike } from '../user-code/calls.ts'

/** The state of a run that has lost its producer. */
export interface ResumeFrom<TValue> {
  /** The value of the fold; `undefined` for a run without a fold. */
  readonly value: [TValue] extends [never] ? undefined : TValue
  /** The number of stored deltas. */
  readonly deltas: number
}

/** The argument of a source function. */
export interface ProduceOptions<TValue = unknown> {
  /** Aborts when the run is stopped or abandoned. Deltas that are yielded later are not stored. */
  readonly signal: AbortSignal
  /**
   * The state to continue from, if the run is taken over: yield only the deltas that follow.
   * `undefined` at the start of a run.
   */
  readonly resumeFrom: ResumeFrom<TValue> | undefined
}

/** The source of a run's deltas: an iterable, a stream, or a function that returns one. */
export type RunSource<TDelta, TValue = unknown> =
  | AsyncIterable<TDelta>
  | ReadableStream<TDelta>
  | ((options: ProduceOptions<TValue>) => Deltas<TDelta> | PromiseLike<Deltas<TDelta>>)

type Deltas<TDelta> = AsyncIterable<TDelta> | ReadableStream<TDelta>

/**
 * Reads a source to its end, one delta at a time, or until the signal aborts. After an abort it
 * calls the source's `return` or cancels its stream, without waiting for that. Rejects with the
 * error of the source or of `take`.
 */
export async function readSource(
  source: RunSource<unknown>,
  options: ProduceOptions,
  take: (delta: unknown) => Promise<void>,
): Promise<void> {
  const { signal } = options
  let leaveNow = (): void => {}
  signal.addEventListener('abort', () => leaveNow(), { once: true })
  const unlessAborted = <TResult>(
    work: TResult | PromiseLike<TResult>,
  ): Promise<TResult | typeof isAborted> =>
    new Promise((resolve, reject) => {
      leaveNow = () => resolve(isAborted)
      if (signal.aborted) leaveNow()
      Promise.resolve(work).then(resolve, reject)
    })
  const opening = open(source, options)
  const iterator = await unlessAborted(opening)
  if (iterator === isAborted) {
    // A source that opens later, such as a server's response, would otherwise stay open.
    opening.then(leave, () => {})
    return
  }
  for (;;) {
    const result = await unlessAborted(iterator.next())
    if (result === isAborted) return leave(iterator)
    if (result.done) return
    try {
      // The app's schema may never settle.
      if ((await unlessAborted(take(result.value))) === isAborted) return leave(iterator)
    } catch (error) {
      leave(iterator)
      throw error
    }
  }
}

/**
 * Ends a source that is not read: cancels a stream, and ends a generator. Functions and other
 * iterables hold nothing until they are opened. Ignores errors.
 */
export function dropSource(source: RunSource<unknown>): void {
  if (source instanceof ReadableStream) ignoringErrors(() => source.cancel())
  else if (typeof source === 'object' && source !== null && 'return' in source)
    ignoringErrors(() => typeof source.return === 'function' && source.return())
}

/** Ends an iterator whose run is over. Ignores errors. */
function leave(iterator: AsyncIterator<unknown>): void {
  ignoringErrors(() => iterator.return?.())
}

function ignoringErrors(call: () => unknown): void {
  try {
    const result = call()
    if (isPromiseLike(result)) ignoreRejection(result)
  } catch {
    // Ignored, like a rejection.
  }
}

const isAborted = Symbol('aborted')

async function open(
  source: RunSource<unknown>,
  options: ProduceOptions,
): Promise<AsyncIterator<unknown>> {
  const deltas: unknown = typeof source === 'function' ? await source(options) : source
  if (deltas instanceof ReadableStream) return readerOf(deltas)
  if (isAsyncIterable(deltas)) return deltas[Symbol.asyncIterator]()
  const message =
    'produce() takes an async iterable, a ReadableStream, or a function that returns one: an async generator, for example.'
  throw new RealtimeError('INVALID_OPTION', message)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/**
 * Creates an iterator for a stream. The stream's own iterator cancels it only after the next chunk,
 * which may never come, and some runtimes have no such iterator.
 */
function readerOf(stream: ReadableStream<unknown>): AsyncIterator<unknown, undefined> {
  const reader = stream.getReader()
  return {
    async next() {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { done, value }
    },
    async return() {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}
