import { writeSync } from 'node:fs'

/**
 * Ends a vitest run with one plain line, `N passed, N failed, N skipped`. What broke outside a test (a file
 * that does not load, a failed hook, an unhandled error) counts as failed, so that the line never looks green
 * when the run is not.
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
    const failed = count.failed + count.pending
    this.line = `${count.passed} passed, ${failed} failed, ${count.skipped} skipped\n`
  }

  onInit() {
    // On exit, and synchronously: nothing can print after it.
    process.once('exit', () => this.line && writeSync(1, this.line))
  }
}
