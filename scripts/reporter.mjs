import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs'

/**
 * Ends a vitest run with one plain line, `N passed, N failed, N skipped`. Runs that share a file in
 * `TEST_TALLY` print their total so far. Failures outside of tests (a file that doesn't load, a
 * failed hook, an unhandled error) count as failed, so that the line never looks green if the run
 * isn't.
 *
 * @implements {import('vitest/node').Reporter}
 */
export default class ClosingLine {
  /** @param {ReadonlyArray<import('vitest/node').TestModule>} modules */
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length
      for (const test of module.children.allTests()) count[test.result().state] += 1
    }
    // A test without a result was interrupted, which isn't a pass.
    const counts = addTally([count.passed, count.failed + count.pending, count.skipped])
    this.line = `${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped\n`
  }

  onInit() {
    // Write it synchronously on exit, so that nothing can be printed after it.
    process.once('exit', () => this.line && writeSync(1, this.line))
  }
}

/** Adds these counts to those of earlier runs. */
function addTally(counts) {
  const file = process.env.TEST_TALLY
  if (!file) return counts
  const before = existsSync(file) ? readFileSync(file, 'utf8').split(' ').map(Number) : []
  const sums = counts.map((count, i) => count + (before[i] ?? 0))
  writeFileSync(file, sums.join(' '))
  return sums
}
