/** The part of the work in which a background failure happened. */
export type ErrorStage = 'listen' | 'read' | 'decode' | 'deliver' | 'gap' | 'close'

/** Reports an error that can't be thrown to a caller. */
export type ReportError = (error: unknown, stage: ErrorStage) => void

/** Reports of one thing that is tried again until it works. */
export interface Failures {
  /** Reports an error, unless it is what was reported last. */
  failed(error: unknown): void
  /** It worked: whatever fails next is reported. */
  worked(): void
}

/** Reports what goes on failing in the same way once, not at every attempt. */
export function createFailures(report: ReportError, stage: ErrorStage): Failures {
  let reported: string | undefined
  return {
    failed(error) {
      const text = textOf(error)
      if (text === reported) return
      reported = text
      report(error, stage)
    },
    worked() {
      reported = undefined
    },
  }
}

function textOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'an error that has no text'
  }
}
