import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { comparisonSchema, type Summary, summarySchema, traceRecordSchema } from '@kvasir/contracts'
import { validateLlmschedTrace } from '@kvasir/event-log'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kvasirHere } from './testing/kvasir-here.js'
import { KvasirProcess, LAUNCHER } from './testing/kvasir-process.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))
const env = { KVASIR_STATE: join(folder, 'state'), KVASIR_URL: '' }

function kvasir(...words: string[]) {
  return kvasirHere(words, { folder, env })
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

describe('the launcher', () => {
  it('builds when it has to, and passes words, output and exit code through', async () => {
    const finished = (...words: string[]) =>
      new KvasirProcess(words, { folder, env, program: LAUNCHER }).finished
    expect(await finished('--version')).toMatchObject({ code: 0, out: '0.1.0\n' })
    const refused = await finished('simulate', 'none.yaml')
    expect(refused).toMatchObject({ code: 2, out: '' })
    expect(refused.err).toContain('none.yaml: no such file')
  }, 240_000)
})

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
    [
      ['simulate', 'tiny.yaml', '--workload', 'staggered'],
      /SCENARIO is tiny\.yaml; beside --workload it must/,
    ],
    [['simulate', '--compat', 'published'], /--compat is published; it must come with --workload NAME/],
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
      'decisions.jsonl.gz',
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

  it('runs the tasks of a named workload on a cluster, and writes nothing but the file that was named', async () => {
    const { code, out, err } = await kvasir(
      'simulate',
      '--workload',
      'discriminating',
      '--output',
      'queue.json',
    )
    expect({ code, err }).toEqual({ code: 0, err: 'results in queue.json\n' })
    expect(out).toMatch(/discriminating\/h100_16gpu\/WeightedFIFO +102\.000/)
    expect(JSON.parse(read('queue.json')).runs['discriminating/h100_16gpu/FIFO'].weighted_turnaround).toBe(
      336,
    )
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [first, again, other] = [
      await kvasir('simulate', 'tiny.yaml', '--out', 'a', '--json'),
      await kvasir('simulate', 'tiny.yaml', '--out', 'b', '--json'),
      await kvasir('simulate', 'tiny.yaml', '--out', 'c', '--json', '--seed', '2'),
    ].map(({ out }) => ({ ...summarySchema.parse(JSON.parse(out)), wallMs: 0 }))
    expect(again).toEqual(first)
    expect(read('b/trace.jsonl')).toBe(read('a/trace.jsonl'))
    const log = (run: string) => readFileSync(join(folder, run, 'decisions.jsonl.gz'))
    expect(log('b').equals(log('a'))).toBe(true)
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
    expect(existsSync(join(folder, 'bare/decisions.jsonl.gz'))).toBe(false)
  })

  it('writes a decision log unless told not to, and none where nobody decides', async () => {
    await kvasir('simulate', 'tiny.yaml', '--out', 'silent', '--no-decisions')
    expect(existsSync(join(folder, 'silent/trace.jsonl'))).toBe(true)
    expect(existsSync(join(folder, 'silent/decisions.jsonl.gz'))).toBe(false)
    await kvasir('simulate', 'tiny.yaml', '--out', 'nobody', '--policy', 'uncoordinated')
    expect(existsSync(join(folder, 'nobody/decisions.jsonl.gz'))).toBe(false)
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
    const words = ['simulate', 'tiny.yaml', '--duration', '30000', '--out', 'stopped']
    const running = new KvasirProcess(words, { folder, env })
    while (!existsSync(join(folder, 'stopped/.partial/trace.jsonl'))) await sleep(20)
    await sleep(300)
    const { code, err } = await running.end('SIGINT')
    expect(err).toContain('interrupted: what had been simulated by then is written')
    expect(code).toBe(1)
    const { interrupted, requests } = summaryOf('stopped/summary.json')
    expect(interrupted).toBe(true)
    expect(requests.submitted).toBe(requests.finished + requests.rejected + requests.unfinished)
    expect(existsSync(join(folder, 'stopped/.partial'))).toBe(false)
  })
})

describe('kvasir replay', () => {
  const log = 'logged/decisions.jsonl.gz'
  beforeAll(async () => expect((await kvasir('simulate', 'tiny.yaml', '--out', 'logged')).code).toBe(0))

  it('takes every decision again and writes the same log', async () => {
    const { code, out } = await kvasir('replay', log, '--output', 'again.jsonl.gz', '--json')
    const { decisions, identical, sameBytes } = JSON.parse(out)
    expect({ code, sameBytes }).toEqual({ code: 0, sameBytes: true })
    expect(identical).toBe(decisions)
    expect(readFileSync(join(folder, 'again.jsonl.gz')).equals(readFileSync(join(folder, log)))).toBe(true)
    expect((await kvasir('replay', log)).out).toMatch(/^ok {3}logged.*\n.* identical/)
  })

  it('ends with 1 at a difference, and says where', async () => {
    const lines = gunzipSync(readFileSync(join(folder, log)))
      .toString('utf8')
      .split('\n')
    const bent = lines.with(4, lines[4].replace(/"free":\d+/, '"free":7'))
    writeFileSync(join(folder, 'bent.jsonl'), bent.join('\n'))
    const { code, out } = await kvasir('replay', 'bent.jsonl')
    expect(code).toBe(1)
    expect(out).toMatch(/first difference at seq 4 \(line 5\), .*\n +expected .*\n +actual /)
  })

  it('ends with 2 at what is no decision log, and writes nothing', async () => {
    for (const file of ['none.jsonl', 'tiny.yaml']) {
      const { code, out, err } = await kvasir('replay', file, '--output', 'nothing.jsonl')
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain(file)
    }
    expect(existsSync(join(folder, 'nothing.jsonl'))).toBe(false)
  })
})

describe('kvasir explain and what-if', () => {
  it('say why a budget is what it is, and what it would be', async () => {
    const log = ['--log', 'logged/decisions.jsonl.gz']
    const why = await kvasir('explain', '--model', 'chat', '--at', '5', ...log)
    expect(why.out).toMatch(
      /chat.* gets .* tokens in round \d+ of pool a, at .*\n(.*\n)*With .*: [+−][\d,]+ tokens\./,
    )
    const [budget] = JSON.parse(
      (await kvasir('explain', '--engine', 'chat@a', '--at', '5', '--json', ...log)).out,
    )
    expect(budget).toMatchObject({
      kind: 'budget',
      engine: 'chat@a',
      counterfactual: { gainTokens: expect.any(Number) },
    })
    const then = await kvasir('what-if', '--at', '5', '--set', 'pool.roundUs=200000', ...log)
    expect(then.out).toMatch(/round \d+ of pool a, .*: capacity .* → /)
    expect(then.out).toContain('chat@a')
  })

  it.each([
    [['explain', 'r1', '--log', 'none'], /--log none: there is no such file/],
    [['explain', 'r1', '--log', 'logged/decisions.jsonl.gz'], /"r1" is no preemption request/],
    [['explain', '--model', 'chat', '--log', 'logged/decisions.jsonl.gz'], /--at is missing/],
    [['explain', '--at', '3', '--log', 'logged/decisions.jsonl.gz'], /what to explain is missing/],
    [['what-if', '--at', '3', '--log', 'logged/decisions.jsonl.gz'], /--set is missing/],
    [['what-if', '--set', 'a.weight=2', '--log', 'logged/decisions.jsonl.gz'], /--at is missing/],
    [['what-if', '--at', '3', '--set', 'a.weight=2'], /without --log it must be left out/],
    [['up', '-f', 'none.yaml'], /none.yaml: no such file/],
    [['up', '--redis', 'localhost', '-f', scenario], /--redis is "localhost"; it must be a URL/],
    [
      ['what-if', '--at', '3', '--set', 'chat.weight=0', '--log', 'logged/decisions.jsonl.gz'],
      /weight is 0; it must be/,
    ],
  ])('refuse %j with exit code 2', async (args, sentence) => {
    const { code, out, err } = await kvasir(...args)
    expect(err).toMatch(sentence)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })
})

describe("the operators' commands", () => {
  it.each([['status'], ['down'], ['model', 'list'], ['explain', 'r1'], ['budget', 'watch'], ['policy']])(
    'say what to do when no cluster is up: %s %s',
    async (...args) => {
      const { code, out, err } = await kvasir(...args.filter((word) => typeof word === 'string'))
      expect(err).toMatch(/no cluster is up/)
      expect({ code, out }).toEqual({ code: 1, out: '' })
    },
  )
})
