import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { metricsOf } from '@kvasir/experiment'
import { afterAll, describe, expect, it } from 'vitest'
import { HereExecutor } from '../testing/here-executor.js'
import { findExperiment, shippedExperiments } from './find-experiment.js'
import { runExperiment } from './run-experiment.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-shipped-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(shippedExperiments().map((name) => [name]))('the shipped experiment %s', (name) => {
  it('is valid and has a small version', () => {
    const { spec, plan } = findExperiment(name, { small: false, seeds: undefined })
    expect(spec.name).toBe(name)
    expect(plan.cells.length).toBeGreaterThan(0)
    expect(spec.small).toBeDefined()
  })

  it('runs to its end in its small version, with a number for every metric', async () => {
    const experiment = findExperiment(name, { small: true, seeds: undefined })
    const { manifest, report } = await runExperiment(experiment, join(folder, name), new HereExecutor())
    expect(manifest).toMatchObject({ status: 'complete', runs: { failed: 0 } })
    for (const { name: metric } of metricsOf(experiment.spec.metrics)) {
      const means = report.estimates.flatMap((own) => (own.metric === metric ? [own.mean] : []))
      expect(means.length, `${metric} has no number`).toBeGreaterThan(0)
      expect(means.every(Number.isFinite), `${metric} is ${means.join(', ')}`).toBe(true)
    }
    expect(report.answer.length > 0).toBe(
      experiment.spec.comparisons.length > 0 || experiment.search !== undefined,
    )
  }, 180_000)
})
