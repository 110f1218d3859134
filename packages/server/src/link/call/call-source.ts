import type { ReaderState } from '../../subscription/feed.ts'

/** The source of a call's values: a channel or an observable. */
export interface CallSource {
  /** Returns the position that the client may resume from; `undefined` if there is none yet. */
  position(): string | undefined
  /** Returns where the source is in the logs that it reads. */
  readers?(): readonly ReaderState[]
  /** Stops the source. */
  close(): void
}
