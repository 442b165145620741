import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { manifestSchema } from '@kvasir/contracts'
import { readParquet, readRecords } from '@kvasir/results'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The command as people run it: the launcher, in a process of its own. */
const launcher = fileURLToPath(new URL('../../bin/kvasir.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kvasir-experiment-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

interface Started {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

function start(...args: readonly string[]): Started {
  const child = spawn(process.execPath, [launcher, 'experiment', ...args], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (data) => (out += String(data)))
  child.stderr.on('data', (data) => (err += String(data)))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
  return { child, finished }
}

function kvasir(...args: readonly string[]): Promise<Finished> {
  return start(...args).finished
}

/** Twelve runs, each long enough to be killed in. */
const tiny = join(folder, 'tiny.yaml')
const TINY = `
name: tiny
question: Is sharing better than a partition?
base:
  name: tiny
  durationS: 15
  stopAtS: 15
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
  const { code, err } = await kvasir('run', tiny, '--workers', '2', '--out', 'whole')
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

  it('computes the same bytes with another number of workers', async () => {
    const { code, out } = await kvasir('run', tiny, '--workers', '1', '--out', 'alone', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ path: 'alone', manifest: { experiment: 'tiny' } })
    expectWhole('alone')
    const compared = await kvasir('compare', 'whole', 'alone')
    expect(compared.out).toContain('0 moved beyond noise, 4 did not')
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
    const resumed = await kvasir('resume', 'killed', '--workers', '2')
    expect(resumed.err).toContain(`${before.length} of them done before`)
    expect(resumed.code).toBe(0)
    expectWhole('killed')
    const manifest = manifestSchema.parse(
      JSON.parse(readFileSync(join(folder, 'killed/manifest.json'), 'utf8')),
    )
    expect(manifest.sessions.map(({ endedAt }) => endedAt === null)).toEqual([true, false])
  }, 120_000)

  it('replaces a worker that is killed and tries its run again', async () => {
    const { child, finished } = start('run', tiny, '--workers', '2', '--out', 'replaced')
    await recorded('replaced', 1)
    const [victim] = childrenOf(child.pid)
    process.kill(victim, 'SIGKILL')
    const { code, err } = await finished
    expect(code, err).toBe(0)
    expectWhole('replaced')
  }, 120_000)

  it('waits for the runs under way after Ctrl-C, writes what there is, and says how to go on', async () => {
    const { child, finished } = start('run', tiny, '--workers', '2', '--out', 'stopped')
    await recorded('stopped', 2)
    child.kill('SIGINT')
    const { code, err } = await finished
    expect(code).toBe(1)
    expect(err).toContain('kvasir experiment resume stopped goes on')
    expect(readFileSync(join(folder, 'stopped/report.md'), 'utf8')).toContain('Not complete')
    expect((await kvasir('resume', 'stopped')).code).toBe(0)
    expectWhole('stopped')
  }, 120_000)

  it('refuses bad input before anything is written', async () => {
    const refused = async (change: (text: string) => string, says: string, ...args: readonly string[]) => {
      writeFileSync(join(folder, 'bad.yaml'), change(TINY))
      const { code, err } = await kvasir('run', 'bad.yaml', '--out', 'bad', ...args)
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
    const again = await kvasir('run', tiny, '--out', 'whole')
    expect(again).toMatchObject({ code: 2 })
    expect(again.err).toContain('--out whole: has results already')
    expect(await kvasir('resume', 'nothing')).toMatchObject({ code: 2 })
  }, 120_000)
})

describe('shipped experiments', () => {
  it('are valid, and the small version of coordination runs to its end', async () => {
    const list = await kvasir('list', '--json')
    const { shipped } = JSON.parse(list.out)
    expect(shipped.map(({ name }: { name: string }) => name)).toContain('coordination')
    const { code, out, err } = await kvasir('run', 'coordination', '--small', '--out', 'small')
    expect(code, err).toBe(0)
    expect(out).toContain('Nothing is certain: 2 seeds')
  }, 180_000)
})
