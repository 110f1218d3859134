import { appendCases } from './append-cases.ts'
import type { BackendCase } from './backend-case.ts'
import { clearCases } from './clear-cases.ts'
import { listenCases } from './listen-cases.ts'
import { readCases } from './read-cases.ts'

/**
 * What every {@link Backend} must do, as data for any test runner: for each case make a context, skip it unless
 * `isRunnable`, and fail if `run` rejects.
 *
 * @example
 * ```ts
 * describe.each(backendCases)('$id', (backendCase) => {
 *   it.runIf(isRunnable(backendCase, context))(backendCase.name, () => backendCase.run(context))
 * })
 * ```
 */
export const backendCases: readonly BackendCase[] = [
  ...appendCases,
  ...readCases,
  ...clearCases,
  ...listenCases,
]
