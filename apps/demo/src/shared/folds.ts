/** A part of an answer. */
export interface AnswerDelta {
  readonly text: string
}

/** A step of a job. */
export interface JobProgress {
  readonly step: number
  readonly steps: number
  /** The job's current activity. */
  readonly stage: string
}

/**
 * The folds of the runs. The server folds the deltas that a follower missed; the page folds those
 * that arrive.
 */
export const folds = {
  answer: { initial: '', apply: (text: string, delta: AnswerDelta) => text + delta.text },
  job: {
    initial: { step: 0, steps: 1, stage: 'Starting' },
    apply: (_: JobProgress, progress: JobProgress) => progress,
  },
}
