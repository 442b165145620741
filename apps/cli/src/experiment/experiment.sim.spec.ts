import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { manifestSchema } from '@kvasir/contracts'
import { readParquet, readRecords } from '@kvasir/results'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HereExecutor } from '../testing/here-executor.js'
import { kvasirHere } from '../testing/kvasir-here.js'
import { type Finished, KvasirProcess, LAUNCHER } from '../testing/kvasir-process.js'
import { findExperiment } from './find-experiment.js'
import { resumeExperiment, runExperiment } from './run-experiment.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-experiment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(...words: readonly string[]): KvasirProcess {
  return new KvasirProcess(['experiment', ...words], { folder })
}

function kvasir(...words: readonly string[]): Promise<Finished> {
  return start(...words).finished
}

/** What needs no process of its own: nothing is computed. */
function here(...words: readonly string[]) {
  return kvasirHere(['experiment', ...words], { folder })
}

/** Twelve runs, each long enough to be killed in. */
const tiny = join(folder, 'tiny.yaml')
const TINY = `
name: tiny
question: Is sharing better than a partition?
base:
  name: tiny
  durationS: 10
  stopAtS: 10
  cluster: { groups: [{ id: a, gpu: H100, tp: 1 }] }
  models:
    - { name: chat, architecture: Llama-3.1-8B, pools: [a], slo: { ttftMs: 500, tpotMs: 50 } }
    - { name: code, architecture: Qwen3-8B, pools: [a], weight: 2 }
  workload:
    generators:
      - name: chat
        model: chat
        arrivals: { kind: poisson, ratePerS: 6 }
        lengths: { prompt: { kind: log-normal, median: 300, sigma: 0.8, max: 4000 }, output: { kind: uniform, min: 1, max: 100 } }
      - name: code
        model: code
        arrivals: { kind: gamma, ratePerS: 4, cv: 3 }
        lengths: { prompt: { kind: fixed, tokens: 500 }, output: { kind: fixed, tokens: 60 } }
factors:
  - { name: policy, values: [static, weighted-max-min] }
seeds: { count: 6 }
samples: { perRun: 20 }
metrics:
  - { name: goodput, path: goodputPerS, better: higher }
  - { name: chat TTFT p99, path: models.chat.ttftUs.p99, better: lower }
comparisons:
  - { factor: policy, subject: weighted-max-min }
`
const RUNS = 12

/** Bytes of the tables of an experiment that nobody disturbed. */
let runsBytes: Buffer
let samplesBytes: Buffer

beforeAll(async () => {
  writeFileSync(tiny, TINY)
  const words = ['experiment', 'run', tiny, '--workers', '2', '--out', 'whole']
  // The launcher builds what the others run.
  const { code, err } = await new KvasirProcess(words, { folder, program: LAUNCHER }).finished
  expect(code, err).toBe(0)
  runsBytes = readFileSync(join(folder, 'whole/runs.parquet'))
  samplesBytes = readFileSync(join(folder, 'whole/samples.parquet'))
}, 180_000)

/** Waits until so many runs are in the journal. */
async function recorded(name: string, count: number): Promise<void> {
  const path = join(folder, name)
  while (!existsSync(join(path, 'journal.jsonl')) || readRecords(path).length < count) await sleep(20)
}

/** Child processes of one of ours, as Linux lists them. */
function childrenOf(pid: number | undefined): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .trim()
    .split(' ')
    .filter((word) => word !== '')
    .map(Number)
}

function expectWhole(name: string): void {
  const ids = readRecords(join(folder, name)).flatMap((record) =>
    record.kind === 'ended' ? [record.id] : [],
  )
  expect(ids).toHaveLength(RUNS)
  expect(new Set(ids).size).toBe(RUNS)
  expect(readFileSync(join(folder, name, 'runs.parquet')).equals(runsBytes)).toBe(true)
  expect(readFileSync(join(folder, name, 'samples.parquet')).equals(samplesBytes)).toBe(true)
}

describe('kvasir experiment run', () => {
  it('writes manifest, tables and reports, and answers on standard output', async () => {
    const path = join(folder, 'whole')
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')))
    expect(manifest).toMatchObject({
      status: 'complete',
      runs: { planned: RUNS, ended: RUNS, failed: 0 },
      small: false,
    })
    expect(manifest.seeds).toEqual([1, 2, 3, 4, 5, 6])
    expect(manifest.samples?.kept).toBe(20 * RUNS)
    expect(manifest.samples?.seen).toBeGreaterThan(manifest.samples?.kept ?? Infinity)
    const runs = await readParquet(join(path, 'runs.parquet'))
    expect(runs.columns.slice(0, 4)).toEqual(['run', 'policy', 'seed', 'repetition'])
    expect(runs.columns).toContain('models.chat.ttftUs.p99')
    expect(runs.columns.filter((name) => /wall/i.test(name))).toEqual([])
    expect(runs.rows).toHaveLength(RUNS)
    const samples = await readParquet(join(path, 'samples.parquet'))
    expect(samples.rows).toHaveLength(20 * RUNS)
    const html = readFileSync(join(path, 'report.html'), 'utf8')
    expect(html).toContain('weighted-max-min against static, goodput')
    expect(html).not.toMatch(/(src|href)="/)
    expect(readFileSync(join(path, 'report.md'), 'utf8')).toContain('paired over 6 seeds')
    expect(readdirSync(path)).not.toContain('lock')
  })

  it('computes the same bytes whoever computes them, and compares results', async () => {
    const experiment = findExperiment(tiny, { small: false, seeds: undefined })
    const { manifest } = await runExperiment(experiment, join(folder, 'alone'), new HereExecutor())
    expect(manifest).toMatchObject({ experiment: 'tiny', status: 'complete' })
    expectWhole('alone')
    const compared = await here('compare', 'whole', 'alone')
    expect(compared.out).toContain('0 moved beyond noise, 4 did not')
    const { out } = await here('report', 'alone', '--json')
    expect(JSON.parse(out)).toMatchObject({ path: 'alone', manifest: { experiment: 'tiny' } })
  }, 120_000)

  it('loses nothing when it is killed, and resumes without counting a run twice', async () => {
    const { child, finished } = start('run', tiny, '--workers', '2', '--out', 'killed')
    await recorded('killed', 3)
    const workers = childrenOf(child.pid)
    child.kill('SIGKILL')
    expect((await finished).signal).toBe('SIGKILL')
    while (workers.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20)
    const before = readRecords(join(folder, 'killed'))
    expect(before.length).toBeLessThan(RUNS)
    // What a kill in the middle of a write leaves behind.
    writeFileSync(join(folder, 'killed/journal.jsonl'), '{"kind":"ended","id":"ab', { flag: 'a' })
    const resumed = await kvasir('resume', 'killed', '--workers', '1')
    expect(resumed.err).toContain(`${before.length} of them done before`)
    expect(resumed.code).toBe(0)
    expectWhole('killed')
    const manifest = manifestSchema.parse(
      JSON.parse(readFileSync(join(folder, 'killed/manifest.json'), 'utf8')),
    )
    expect(manifest.sessions.map(({ endedAt }) => endedAt === null)).toEqual([true, false])
  }, 120_000)

  it('replaces a worker that is killed and tries its run again', async () => {
    const { child, finished } = start('run', tiny, '--workers', '1', '--out', 'replaced')
    await recorded('replaced', 1)
    const [victim] = childrenOf(child.pid)
    process.kill(victim, 'SIGKILL')
    const { code, err } = await finished
    expect(code, err).toBe(0)
    expectWhole('replaced')
  }, 120_000)

  it('waits for the runs under way after Ctrl-C, writes what there is, and says how to go on', async () => {
    const { child, finished } = start('run', tiny, '--workers', '1', '--out', 'stopped')
    await recorded('stopped', 2)
    child.kill('SIGINT')
    const { code, err } = await finished
    expect(code).toBe(1)
    expect(err).toContain('kvasir experiment resume stopped goes on')
    expect(readFileSync(join(folder, 'stopped/report.md'), 'utf8')).toContain('Not complete')
    await resumeExperiment(join(folder, 'stopped'), new HereExecutor())
    expectWhole('stopped')
  }, 120_000)

  it('refuses bad input before anything is written', async () => {
    const refused = async (change: (text: string) => string, says: string, ...args: readonly string[]) => {
      writeFileSync(join(folder, 'bad.yaml'), change(TINY))
      const { code, err } = await here('run', 'bad.yaml', '--out', 'bad', ...args)
      expect(err).toContain(says)
      expect(code).toBe(2)
      expect(existsSync(join(folder, 'bad'))).toBe(false)
    }
    await refused((text) => text.replace('goodputPerS', 'goodputPerSec'), 'did you mean goodputPerS?')
    await refused(
      (text) => text.replace('values: [static', 'path: polcy, values: [static'),
      'did you mean policy?',
    )
    await refused((text) => text.replace('Qwen3-8B', 'DeepSeek-R1'), 'bad.yaml: policy=static: ')
    await refused((text) => text, '--seeds is 3..1; it must be', '--seeds', '3..1')
    await refused((text) => text, '--workers is 0; it must be', '--workers', '0')
    const again = await here('run', tiny, '--out', 'whole')
    expect(again).toMatchObject({ code: 2 })
    expect(again.err).toContain('--out whole: has results already')
    expect(await here('resume', 'nothing')).toMatchObject({ code: 2 })
    mkdirSync(join(folder, 'foreign'))
    writeFileSync(join(folder, 'foreign/experiment.json'), '{}')
    for (const words of [
      ['resume', 'foreign'],
      ['report', 'foreign'],
      ['compare', 'whole', 'foreign'],
    ])
      expect(await here(...words)).toMatchObject({
        code: 2,
        err: expect.stringContaining('has no field spec'),
      })
  }, 120_000)
})

describe('kvasir experiment optimise', () => {
  const sized = join(folder, 'sized.yaml')
  beforeAll(() => {
    const search = `search:
  kind: largest
  axis: { name: rate, path: workload.rateScale, from: 0.5, to: 4, tolerance: 0.4 }
  goals: [{ path: 'models[*].sloAttainment', atLeast: 0.9 }]
seeds: [1]
`
    const [before] = TINY.split('comparisons:')
    writeFileSync(sized, `${before.replace('seeds: { count: 6 }\n', '')}${search}`)
  })

  it('goes on where it was killed, runs nothing twice, and comes to the same bytes as undisturbed', async () => {
    const killed = start('optimise', sized, '--workers', '1', '--out', 'search-killed')
    await recorded('search-killed', 2)
    await killed.end('SIGKILL')
    await resumeExperiment(join(folder, 'search-killed'), new HereExecutor())
    const experiment = findExperiment(sized, { small: false, seeds: undefined })
    const { manifest, report } = await runExperiment(experiment, join(folder, 'search'), new HereExecutor())
    const ids = readRecords(join(folder, 'search-killed')).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const file of ['runs.parquet', 'search.json'])
      expect(readFileSync(join(folder, 'search-killed', file))).toEqual(
        readFileSync(join(folder, 'search', file)),
      )
    expect(report.search?.findings.map(({ kind }) => kind)).toEqual(['found', 'found'])
    expect(manifest.answer[0]).toMatch(/^policy=static: rate [\d.]+ \(1 GPUs\) is the largest that meets/)
    const again = await here('report', 'search')
    expect(again.out).toContain(manifest.answer[1])
    expect(readFileSync(join(folder, 'search/report.html'), 'utf8')).toContain('<h2>Found</h2>')
  }, 120_000)

  it('finds the best of drawn candidates, those that go on with more seeds, and writes what it comes to', async () => {
    const [before] = TINY.split('comparisons:')
    const best = join(folder, 'best.yaml')
    const search = `search:
  kind: best
  axes:
    - { name: weight, path: models.code.weight, from: 1, to: 16, whole: true, scale: log }
    - { name: order, path: engine.order, choices: [fcfs, srpt] }
  candidates: 4
`
    const sized = before.replace(/factors:\n.*\n/, '').replace('{ count: 6 }', '[1, 2]')
    writeFileSync(best, `${sized}${search}`)
    const experiment = findExperiment(best, { small: false, seeds: undefined })
    const { manifest, report } = await runExperiment(experiment, join(folder, 'best'), new HereExecutor())
    // A seed for each of four, and another one for each of the better two.
    expect(manifest).toMatchObject({ status: 'complete', runs: { planned: 6, ended: 6 } })
    const [{ found, next, looked }] = report.search?.findings ?? []
    expect(looked).toBe(4)
    expect([found?.seeds, next?.seeds]).toEqual([2, 2])
    expect(found?.metric).toBeGreaterThanOrEqual(next?.metric ?? Infinity)
    expect(manifest.answer[0]).toMatch(
      /^of 4 candidates weight \d+, order \w+ \(1 GPUs\) is the best, goodput [\d.]+;/,
    )
    const html = readFileSync(join(folder, 'best/report.html'), 'utf8')
    expect(html).toContain('The best weight / order')
  }, 60_000)

  it('refuses what there is nothing to look for in, and goals that are none', async () => {
    expect(await here('optimise', tiny)).toMatchObject({ code: 2, out: '' })
    const refused = await here('optimise', sized, '--goal', 'high', '--out', 'never')
    expect(refused).toMatchObject({
      code: 2,
      err: 'kvasir: --goal is high; it must be a number, such as 0.95\n',
    })
    expect(existsSync(join(folder, 'never'))).toBe(false)
    expect((await here('validate', sized)).out).toContain('a search of up to')
  })
})

describe('shipped experiments', () => {
  // That their small versions run to their ends is shipped.sim.spec.ts's to say.
  it('are listed', async () => {
    const { shipped } = JSON.parse((await here('list', '--json')).out)
    const names = shipped.map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['coordination', 'smallest-cluster']))
  })

  it('find what they look for in their small versions', async () => {
    const experiment = findExperiment('smallest-cluster', { small: true, seeds: undefined })
    const { manifest, report } = await runExperiment(experiment, join(folder, 'smallest'), new HereExecutor())
    expect(manifest).toMatchObject({ status: 'complete', runs: { failed: 0 } })
    expect(report.search?.findings.map(({ kind }) => kind)).not.toContain('open')
    expect(report.search?.points.some(({ isOnFront }) => isOnFront)).toBe(true)
  }, 120_000)
})
