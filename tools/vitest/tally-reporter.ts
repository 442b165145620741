import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/**
 * Ends a test run with one plain line, `N passed, N failed` (and `, N skipped` if any), for people and scripts that read only that.
 * It is written when the process exits, because Vitest prints its own summary and unhandled errors after the reporters.
 * A file that could not be loaded and an error outside any test count as one failure each: neither may look like success.
 */
export default class TallyReporter implements Reporter {
  #line: string | undefined

  onInit(): void {
    process.once('exit', () => {
      if (this.#line !== undefined) writeSync(1, `${this.#line}\n`)
    })
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tally = { passed: 0, failed: unhandled.length, skipped: 0 }
    for (const module of modules) {
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') tally.passed++
        else if (state === 'failed') failedTests++
        else tally.skipped++
      }
      // A module can fail without a failed test: a syntax error, a broken import, a hook that threw.
      tally.failed += failedTests === 0 && module.state() === 'failed' ? 1 : failedTests
    }
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''
    this.#line = `${tally.passed} passed, ${tally.failed} failed${skipped}`
  }
}
