import { useState } from 'react'

/** A request that a click starts. */
export interface Action<TArguments extends readonly unknown[]> {
  run(...args: TArguments): void
  readonly isRunning: boolean
  /** Whether the last run failed. */
  readonly hasFailed: boolean
}

/** Runs a request from a component, one at a time, and reports whether it failed. */
export function useAction<TArguments extends readonly unknown[]>(
  work: (...args: TArguments) => Promise<void>,
): Action<TArguments> {
  const [state, setState] = useState<'idle' | 'running' | 'failed'>('idle')
  return {
    isRunning: state === 'running',
    hasFailed: state === 'failed',
    run(...args) {
      if (state === 'running') return
      setState('running')
      work(...args).then(
        () => setState('idle'),
        () => setState('failed'),
      )
    },
  }
}
