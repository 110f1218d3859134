import { existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs'

/**
 * Ends a vitest run with one plain line, `N passed, N failed, N skipped`; of several runs that are
 * given the same file as `TEST_TALLY`, each says what it was until then. What broke outside a test
 * (a file that does not load, a failed hook, an unhandled error) counts as failed, so that the line
 * never looks green when the run is not.
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
    // A test that never came to a result was cut off: that is no pass.
    const counts = addTally([count.passed, count.failed + count.pending, count.skipped])
    this.line = `${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped\n`
  }

  onInit() {
    // On exit, and synchronously: nothing can print after it.
    process.once('exit', () => this.line && writeSync(1, this.line))
  }
}

/** Adds to what runs before have counted. */
function addTally(counts) {
  const file = process.env.TEST_TALLY
  if (!file) return counts
  const before = existsSync(file) ? readFileSync(file, 'utf8').split(' ').map(Number) : []
  const sums = counts.map((count, i) => count + (before[i] ?? 0))
  writeFileSync(file, sums.join(' '))
  return sums
}
