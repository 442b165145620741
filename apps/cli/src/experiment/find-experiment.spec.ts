import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { findExperiment } from './find-experiment.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-find-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const experiment = `
name: e
question: As others had it?
base:
  name: base
  durationS: 1
  models: [{ name: chat, architecture: Llama-3.1-8B }]
  workload:
    generators:
      - model: chat
        arrivals: { kind: poisson, ratePerS: 4 }
        lengths: { prompt: { kind: fixed, tokens: 100 }, output: { kind: fixed, tokens: 10 } }
factors:
  - name: requests-of
    values:
      - { name: theirs, needs: theirs.csv, set: { workload.rateScale: 2 } }
      - { name: alike, set: {} }
metrics: [{ path: e2eUs.mean, better: lower }]
comparisons: [{ factor: requests-of, subject: alike }]
recorded:
  - { name: others, source: a table, metric: e2eUs.mean, by: [requests-of], rows: [[theirs, 2], [alike, 3]] }
`

describe('a level that needs a file', () => {
  const path = join(folder, 'e.yaml')
  writeFileSync(path, experiment)
  const found = () => findExperiment(path, { small: false, seeds: undefined })

  it('is left out where there is none, with what was recorded of it', () => {
    const { plan, spec } = found()
    expect(plan.factors).toEqual([{ name: 'requests-of', levels: ['alike'] }])
    expect(spec.recorded[0].rows).toEqual([['alike', 3]])
  })

  it('is there where the file is, relative to the scenario', () => {
    writeFileSync(join(folder, 'theirs.csv'), '')
    const { plan, spec } = found()
    expect(plan.factors[0].levels).toEqual(['theirs', 'alike'])
    expect(spec.recorded[0].rows).toHaveLength(2)
  })
})
