import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { comparisonSchema, type Summary, summarySchema, traceRecordSchema } from '@kvasir/contracts'
import { validateLlmschedTrace } from '@kvasir/event-log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The command as people run it: the launcher, in a process of its own. */
const launcher = fileURLToPath(new URL('../bin/kvasir.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function kvasir(...args: string[]): Promise<Finished> {
  return run(args, () => {})
}

function run(args: readonly string[], started: (child: ReturnType<typeof spawn>) => void): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [launcher, ...args], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: '1' },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (data) => (out += String(data)))
    child.stderr.on('data', (data) => (err += String(data)))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
    started(child)
  })
}

const scenario = join(folder, 'tiny.yaml')
writeFileSync(
  scenario,
  `
name: tiny
durationS: 10
cluster: { groups: [{ id: a, gpu: H100, tp: 1 }] }
models:
  - { name: chat, architecture: Llama-3.1-8B, pools: [a], slo: { ttftMs: 500, tpotMs: 50 } }
  - { name: code, architecture: Qwen3-8B, pools: [a], weight: 2 }
workload:
  generators:
    - name: chat
      model: chat
      arrivals: { kind: poisson, ratePerS: 4 }
      lengths: { prompt: { kind: log-normal, median: 300, sigma: 0.8, max: 4000 }, output: { kind: uniform, min: 1, max: 100 } }
    - name: code
      model: code
      arrivals: { kind: gamma, ratePerS: 3, cv: 3 }
      lengths: { prompt: { kind: fixed, tokens: 500 }, output: { kind: fixed, tokens: 40 } }
`,
)

const read = (path: string) => readFileSync(join(folder, path), 'utf8')
const summaryOf = (path: string): Summary => summarySchema.parse(JSON.parse(read(path)))
const linesOf = (path: string) => read(path).trimEnd().split('\n')

// The first call may build.
beforeAll(async () => expect((await kvasir('--version')).code).toBe(0), 240_000)

describe('kvasir', () => {
  it('shows help with examples when nothing is asked for', async () => {
    const { code, out } = await kvasir()
    expect(code).toBe(0)
    expect(out).toContain('kvasir simulate --trace FILE')
  })

  it.each([
    [['simulat'], /unknown command 'simulat'/],
    [['simulate', '--polcy', 'drf'], /unknown option '--polcy'/],
    [['simulate', 'tiny.yaml', '--policy', 'best'], /--policy is "best"; it must be one of weighted-max-min/],
    [['simulate', 'none.yaml'], /none\.yaml: no such file/],
    [['simulate', '--trace', 'none.csv'], /none\.csv/],
    [['simulate', 'tiny.yaml', '--cluster', 'l4_1gpu'], /\[0\]: .* GB of weights on each GPU|models\[0\]/],
  ])('refuses %j with exit code 2 and leaves nothing behind', async (args, sentence) => {
    const { code, out, err } = await kvasir(...args, ...(args.length > 1 ? ['--out', 'refused'] : []))
    expect(err).toMatch(sentence)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(existsSync(join(folder, 'refused'))).toBe(false)
  })
})

describe('kvasir simulate', () => {
  it('writes summary, trace, time series and reports, and prints a table', async () => {
    const { code, out, err } = await kvasir('simulate', 'tiny.yaml', '--out', 'one')
    expect(err).not.toMatch(/error/i)
    expect(code).toBe(0)
    expect(out).toMatch(/tiny · weighted-max-min · seed 1: .* simulated/)
    expect(readdirSync(join(folder, 'one')).sort()).toEqual([
      'report.html',
      'report.md',
      'summary.json',
      'timeseries.csv',
      'trace.jsonl',
    ])
    const { requests, models } = summaryOf('one/summary.json')
    expect(requests.submitted).toBe(requests.finished + requests.rejected + requests.unfinished)
    expect(requests.finished).toBeGreaterThan(30)
    expect(models['chat'].requests.submitted + models['code'].requests.submitted).toBe(requests.submitted)
    for (const line of linesOf('one/trace.jsonl')) traceRecordSchema.parse(JSON.parse(line))
    expect(linesOf('one/timeseries.csv')[0]).toMatch(/^time_s,chat\./)
    expect(read('one/report.html')).not.toMatch(/src="http|href="http/)
  })

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [first, again, other] = [
      await kvasir('simulate', 'tiny.yaml', '--out', 'a', '--json'),
      await kvasir('simulate', 'tiny.yaml', '--out', 'b', '--json'),
      await kvasir('simulate', 'tiny.yaml', '--out', 'c', '--json', '--seed', '2'),
    ].map(({ out }) => ({ ...summarySchema.parse(JSON.parse(out)), wallMs: 0 }))
    expect(again).toEqual(first)
    expect(read('b/trace.jsonl')).toBe(read('a/trace.jsonl'))
    expect({ ...summaryOf('a/summary.json'), wallMs: 0 }).toEqual(first)
    expect(other.requests).not.toEqual(first.requests)
  })

  it('compares policies in folders of their own', async () => {
    const { code, out } = await kvasir(
      'simulate',
      'tiny.yaml',
      '--policy',
      'static,weighted-max-min',
      '--out',
      'compared',
      '--json',
    )
    expect(code).toBe(0)
    const comparison = comparisonSchema.parse(JSON.parse(out))
    expect(comparison.policies).toEqual(['static', 'weighted-max-min'])
    expect(comparison.verdict.join()).toContain('weighted-max-min')
    expect(readdirSync(join(folder, 'compared')).sort()).toEqual([
      'comparison.json',
      'report.html',
      'report.md',
      'static',
      'weighted-max-min',
    ])
    const [one, two] = comparison.runs.map(({ summary }) => summary.requests.submitted)
    expect(one).toBe(two)
  })

  it('writes one decode record a step when asked to, with the same tokens', async () => {
    await kvasir('simulate', 'tiny.yaml', '--out', 'steps', '--trace-detail', 'step')
    const tokens = (path: string) =>
      linesOf(path)
        .map((line) => traceRecordSchema.parse(JSON.parse(line)))
        .reduce((sum, record) => sum + (record.event === 'decode' ? record.tokens : 0), 0)
    expect(tokens('steps/trace.jsonl')).toBe(tokens('one/trace.jsonl'))
    expect(linesOf('steps/trace.jsonl').length).toBeGreaterThan(linesOf('one/trace.jsonl').length)
  })

  it('writes a trace that passes the rules of its other consumer', async () => {
    await kvasir('simulate', 'tiny.yaml', '--out', 'compat', '--trace-compat', 'llmsched')
    const problems = validateLlmschedTrace(linesOf('compat/trace.jsonl'))
    expect(problems).toMatchObject({ problemCount: 0 })
  })

  it('omits the trace when asked to', async () => {
    await kvasir('simulate', 'tiny.yaml', '--out', 'bare', '--no-trace')
    expect(existsSync(join(folder, 'bare/summary.json'))).toBe(true)
    expect(existsSync(join(folder, 'bare/trace.jsonl'))).toBe(false)
  })

  it('runs a trace without a scenario', async () => {
    const rows = Array.from({ length: 20 }, (_, i) => `${i},${100 + i},20`)
    writeFileSync(join(folder, 'mine.csv'), `t_s,prompt_tokens,output_tokens\n${rows.join('\n')}\n`)
    const { code } = await kvasir('simulate', '--trace', 'mine.csv')
    expect(code).toBe(0)
    expect(summaryOf('out/mine/summary.json')).toMatchObject({
      scenario: 'mine',
      requests: { submitted: 20, finished: 20 },
      models: { 'Llama-3.1-70B': { replicas: 4 } },
    })
  })

  it('writes what there is when it is interrupted, and says so', async () => {
    const { code, err } = await run(
      ['simulate', 'tiny.yaml', '--duration', '100000', '--out', 'stopped'],
      (child) => {
        const watch = setInterval(() => {
          if (!existsSync(join(folder, 'stopped/.partial/trace.jsonl'))) return
          clearInterval(watch)
          setTimeout(() => child.kill('SIGINT'), 500)
        }, 50)
      },
    )
    expect(err).toContain('interrupted: what had been simulated by then is written')
    expect(code).toBe(1)
    const { interrupted, requests } = summaryOf('stopped/summary.json')
    expect(interrupted).toBe(true)
    expect(requests.submitted).toBe(requests.finished + requests.rejected + requests.unfinished)
    expect(existsSync(join(folder, 'stopped/.partial'))).toBe(false)
  })
})
