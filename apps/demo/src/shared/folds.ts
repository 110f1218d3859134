/** A part of an answer. */
export interface AnswerDelta {
  readonly text: string
}

/** A step of a job. */
export interface JobProgress {
  readonly step: number
  readonly steps: number
  /** What the job does now. */
  readonly stage: string
}

/**
 * What the deltas of each run amount to. The server folds the deltas that a follower missed; the
 * page folds those that arrive.
 */
export const folds = {
  answer: { initial: '', apply: (text: string, delta: AnswerDelta) => text + delta.text },
  job: {
    initial: { step: 0, steps: 1, stage: 'Starting' },
    apply: (_: JobProgress, progress: JobProgress) => progress,
  },
}
