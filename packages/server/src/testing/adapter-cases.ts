import { adapterCallCases } from './adapter-call-cases.ts'
import type { AdapterCase } from './adapter-case.ts'
import { adapterStreamCases } from './adapter-stream-cases.ts'

/**
 * What every adapter must do, as data for any test runner: for each case make a context, skip it unless `canServe`, and
 * fail if `run` rejects.
 *
 * @example
 * ```ts
 * describe.each(adapterCases)('$about', (adapterCase) => {
 *   it.runIf(canServe(context, adapterCase))(adapterCase.name, () => adapterCase.run(context))
 * })
 * ```
 */
export const adapterCases: readonly AdapterCase[] = [...adapterStreamCases, ...adapterCallCases]
