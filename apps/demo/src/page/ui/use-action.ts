import { useState } from 'react'
import { isClientError } from '../live/client-error.ts'

/** A request that a click starts. */
export interface Action<TArguments extends readonly unknown[]> {
  run(...args: TArguments): void
  readonly isRunning: boolean
  /** Whether the last run failed. */
  readonly hasFailed: boolean
  /** The tRPC code of the last run's error, such as TOO_MANY_REQUESTS. */
  readonly errorCode: string | undefined
}

/** Runs a request from a component, one at a time, and reports whether it failed. */
export function useAction<TArguments extends readonly unknown[]>(
  work: (...args: TArguments) => Promise<void>,
): Action<TArguments> {
  const [state, setState] = useState<'idle' | 'running' | 'failed'>('idle')
  const [errorCode, setErrorCode] = useState<string>()
  return {
    isRunning: state === 'running',
    hasFailed: state === 'failed',
    errorCode,
    run(...args) {
      if (state === 'running') return
      setState('running')
      work(...args).then(
        () => {
          setState('idle')
          setErrorCode(undefined)
        },
        (error: unknown) => {
          setState('failed')
          setErrorCode(isClientError(error) ? error.data?.code : undefined)
        },
      )
    },
  }
}
