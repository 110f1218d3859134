/** The operation that failed in the background. */
export type ErrorStage =
  | 'listen'
  | 'read'
  | 'decode'
  | 'deliver'
  | 'gap'
  | 'index'
  | 'presence'
  | 'limits'
  | 'close'

/** Reports an error that can't be thrown to a caller. */
export type ReportError = (error: unknown, stage: ErrorStage) => void

/** Reports the errors of a retried task. The same error is reported once, not at every attempt. */
export class FailureReport {
  readonly #report: ReportError
  readonly #stage: ErrorStage
  #lastText: string | undefined

  constructor(report: ReportError, stage: ErrorStage) {
    this.#report = report
    this.#stage = stage
  }

  /** Reports an error, unless the previous error had the same text. */
  failed(error: unknown): void {
    const text = textOf(error)
    if (text === this.#lastText) return
    this.#lastText = text
    this.#report(error, this.#stage)
  }

  /** Records a success. The next error is reported, whatever its text. */
  succeeded(): void {
    this.#lastText = undefined
  }
}

function textOf(error: unknown): string {
  try {
    return String(error)
  } catch {
    return 'an error without a text'
  }
}
