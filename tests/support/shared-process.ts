/**
 * Whether a test file shares a process with others. That saves a start and the imports for each
 * file, half of the time for `packages`. Files in other folders start servers and browsers, so each
 * of them has its own process.
 */
export function sharesProcess(file: string): boolean {
  return /\/packages\/\w+\/src\//.test(file) && !processTests.some((path) => file.endsWith(path))
}

/**
 * Test files of packages that need a separate process: they measure the heap, count objects of the
 * whole process, or read stack traces.
 */
export const processTests: readonly string[] = [
  'packages/client/src/event-path.test.ts',
  'packages/server/src/link/churn.test.ts',
  'packages/server/src/link/fan-out.test.ts',
  'packages/server/src/link/forgets.test.ts',
  'packages/server/src/link/slow.test.ts',
]
