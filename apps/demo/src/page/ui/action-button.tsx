import type { ReactNode } from 'react'
import type { Action } from './use-action.ts'

/** Props of {@link ActionButton}. */
export interface ActionButtonProps {
  readonly action: Action<[]>
  readonly disabled?: boolean
  readonly children: ReactNode
}

/** A small button that starts a request. It is disabled while the request runs. */
export function ActionButton({ action, disabled = false, children }: ActionButtonProps) {
  return (
    <button
      type="button"
      className="button small"
      onClick={() => action.run()}
      disabled={disabled || action.isRunning}
    >
      {children}
    </button>
  )
}

/** Props of {@link Problem}. */
export interface ProblemProps {
  readonly id?: string
  /** The problem; nothing if there is none. */
  readonly children: ReactNode
}

/** Says what went wrong. Screen readers read it as soon as it appears. */
export function Problem({ id, children }: ProblemProps) {
  return (
    <p className="problem" id={id} role="alert">
      {children}
    </p>
  )
}
