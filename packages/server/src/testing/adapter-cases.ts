import { adapterCallCases } from './adapter-call-cases.ts'
import type { AdapterCase } from './adapter-case.ts'
import { adapterStreamCases } from './adapter-stream-cases.ts'

/**
 * The conformance cases of adapters, as data for any test runner. For each case, create a context,
 * skip the case unless {@link canServe} returns true, and fail the test if `run` rejects.
 *
 * @example
 * ```ts
 * describe.each(adapterCases)('$about', (adapterCase) => {
 *   it.runIf(canServe(context, adapterCase))(adapterCase.name, () => adapterCase.run(context))
 * })
 * ```
 */
export const adapterCases: readonly AdapterCase[] = [...adapterStreamCases, ...adapterCallCases]
