import { appendCases } from './append-cases.ts'
import type { BackendCase } from './backend-case.ts'
import { clearCases } from './clear-cases.ts'
import { entriesCases } from './entries-cases.ts'
import { listenCases } from './listen-cases.ts'
import { readCases } from './read-cases.ts'
import { retentionCases } from './retention-cases.ts'

/**
 * The conformance cases of {@link Backend}, as data for any test runner. For each case, create a
 * context, skip the case unless {@link isRunnable} returns true, and fail the test if `run`
 * rejects.
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
  ...retentionCases,
  ...clearCases,
  ...listenCases,
  ...entriesCases,
]
